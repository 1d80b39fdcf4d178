import type { Scalar } from "../core/call.ts";
import { longestValue, spendOutput } from "./budget.ts";
import type { Rendering } from "./rendering.ts";

/** The beginning of a text, with a mark that it was cut; at most `most` characters, none of them cut in two. */
export function cutEnd(text: string, most: number): string {
  if (text.length <= most) return text;
  return `${text.slice(0, most - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}

/** A value as its field gets it: cut at `longestValue`, and undefined when the record has no room for it. */
export function output(
  value: Scalar | undefined,
  field: string,
  { budget, limited }: Rendering,
): Scalar | undefined {
  if (value === undefined) return undefined;
  const text = String(value);
  if (spendOutput(budget, Math.min(text.length, longestValue)))
    return text.length > longestValue ? cutEnd(text, longestValue) : value;
  // Once for a field: its `else` may be too long, too.
  if (limited.at(-1)?.field !== field) limited.push({ field, limit: "output" });
  return undefined;
}
