import type { RetellCall } from "./calls.ts";
import { refuse } from "./problems.ts";

/** One condition on one member of a call. */
export type Condition = { name: string; holds: (value: unknown) => boolean };

const numbers = new Set(["start_timestamp", "end_timestamp", "duration_ms"]);
const words = new Set(["call_status", "call_type", "direction", "disconnection_reason", "call_id"]);

const comparisons: Record<string, (a: number, b: number) => boolean> = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  gt: (a, b) => a > b,
  ge: (a, b) => a >= b,
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
};

/**
 * The typed filters of `filter_criteria` (openapi.yaml, 2026-10); all of them have to hold. The flat thresholds of the older
 * API are refused. Not verified: whether both bounds of `bt` belong to the range; here they do.
 */
export function wantedOf(criteria: Record<string, unknown>): Condition[] {
  return Object.entries(criteria).map(([name, filter]) => {
    if (typeof filter !== "object" || filter === null) return refuse(400);
    const { type, op, value } = filter as Record<string, unknown>;
    if (numbers.has(name)) return { name, holds: numberCondition(type, op, value) };
    if (!words.has(name) || type !== "enum" || op !== "in" || !Array.isArray(value)) return refuse(400);
    return { name, holds: (given) => value.includes(given) };
  });
}

export function isWanted(call: RetellCall, wanted: readonly Condition[]): boolean {
  return wanted.every(({ name, holds }) => call[name] !== undefined && holds(call[name]));
}

function numberCondition(type: unknown, op: unknown, value: unknown): Condition["holds"] {
  if (type === "range" && op === "bt" && Array.isArray(value)) {
    const [low, high] = value as unknown[];
    if (value.length !== 2 || typeof low !== "number" || typeof high !== "number") return refuse(400);
    return (given) => typeof given === "number" && given >= low && given <= high;
  }
  const compare = typeof op === "string" && Object.hasOwn(comparisons, op) ? comparisons[op] : undefined;
  if (type !== "number" || typeof value !== "number" || !compare) return refuse(400);
  return (given) => typeof given === "number" && compare(given, value);
}
