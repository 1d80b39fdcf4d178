import type { z } from "zod";
import type { Fault } from "../core/errors.ts";
import { didYouMean } from "./nearest.ts";

type Issue = z.core.$ZodIssue;
type FaultPlace = readonly PropertyKey[];

const directiveKeys = ["from", "text", "map", "else", "write"];
/** The keys allowed in each place, for the correction of a misspelt one. */
const keysByPlace: readonly [RegExp, readonly string[]][] = [
  [/^$/, ["$schema", "crm", "activity", "contact", "task", "answer"]],
  [/^task$/, ["when", "fields"]],
  [/^answer$/, ["rules", "variables", "metadata"]],
  [/^answer\.rules\[\d+\]$/, ["name", "if", "agent", "reject"]],
  [/^answer\.rules\[\d+\]\.if/, ["exists"]],
  [/./, directiveKeys],
];

/** As many as are reported at once, see `reportedFaults`. */
const mostIssues = 100;

/** The faults in the shape of a mapping file, in the terms of the mapping language. */
export function shapeFaults(error: z.ZodError, source: unknown, file: string): Fault[] {
  return error.issues.slice(0, mostIssues).flatMap((issue) => faultsOf(issue, [], source, file));
}

function faultsOf(issue: Issue, above: FaultPlace, source: unknown, file: string): Fault[] {
  const place = [...above, ...issue.path];
  const at = placeText(file, place);
  const input = inputAt(source, place);
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey(key, place, file));
    case "invalid_union": {
      const branch = likelyBranch(issue.errors, input);
      if (branch) return branch.flatMap((inner) => faultsOf(inner, place, source, file));
      return [{ at, ...noDirective(input, place) }];
    }
    case "invalid_value": {
      const values = issue.values.map(String);
      const cure = didYouMean(String(input), values) ?? `Use one of: ${values.join(", ")}.`;
      return [{ at, problem: `${shown(input)} is not a word that belongs here.`, cure }];
    }
    case "invalid_key":
      return [{ at, problem: `${issue.issues[0]?.message ?? issue.message}.` }];
    case "invalid_type":
      return [{ at, ...wrongType(input, issue.expected) }];
    case "too_small":
      return [{ at, problem: "is empty.", cure: "Fill it in, or leave the whole entry out." }];
    default:
      return [{ at, problem: `${issue.message}.` }];
  }
}

/** The branch that the author meant: the one of the right type with its own key. */
function likelyBranch(branches: readonly Issue[][], input: unknown): Issue[] | undefined {
  const fitting = branches.filter((branch) => !branch.some((issue) => isOtherBranch(issue, input)));
  return fitting.length === 1 ? fitting[0] : undefined;
}

function isOtherBranch(issue: Issue, input: unknown): boolean {
  if (issue.code !== "invalid_type") return false;
  return issue.path.length === 0 || inputAt(input, issue.path) === undefined;
}

function noDirective(input: unknown, place: FaultPlace): { problem: string; cure: string } {
  const where = placeText("", place);
  const wanted = where.includes(".if.")
    ? 'Write a constant, a list of constants or {"exists": true}.'
    : /\.(map\.[^.]+|else)$/.test(where)
      ? "Write a text, a number, true or false."
      : 'Write a constant, {"from": "<path>"} or {"text": "<Liquid>"}.';
  if (input === null) return { problem: "null is not a value.", cure: `${wanted} Or leave the field out.` };
  const keys = typeof input === "object" && input !== null ? Object.keys(input) : [];
  if (keys.includes("from") && keys.includes("text"))
    return { problem: "has both from and text.", cure: "Keep one of them." };
  const known = keysByPlace.find(([pattern]) => pattern.test(where))?.[1] ?? directiveKeys;
  const near = keys.map((key) => didYouMean(key, known)).find(Boolean);
  return { problem: `${shown(input)} is not a value.`, cure: near ?? wanted };
}

function unknownKey(key: string, place: FaultPlace, file: string): Fault {
  const where = placeText("", place);
  const known = keysByPlace.find(([pattern]) => pattern.test(where))?.[1] ?? directiveKeys;
  const at = placeText(file, [...place, key]);
  if (key === "write")
    return { at, problem: "write belongs to fields of the activity only.", cure: "Remove it." };
  if (key === "map") return { at, problem: "map belongs to from, not to text.", cure: "Use Liquid's case." };
  const cure = didYouMean(key, known) ?? `The keys here are ${known.join(", ")}.`;
  return { at, problem: `${key.slice(0, 60)} is not a key that belongs here.`, cure };
}

function wrongType(input: unknown, expected: string): { problem: string; cure?: string } {
  const wanted = expected === "record" ? "object" : expected;
  if (input === undefined) return { problem: "is missing.", cure: `Add it: ${article(wanted)}.` };
  return { problem: `${article(wanted)} is expected here, not ${shown(input)}.` };
}

function article(noun: string): string {
  return `${/^[aeiou]/.test(noun) ? "an" : "a"} ${noun}`;
}

/** `mappings/local.json: answer.rules[0].if` */
export function placeText(file: string, place: FaultPlace): string {
  let text = "";
  for (const step of place) {
    text += typeof step === "number" ? `[${step}]` : `${text ? "." : ""}${String(step).slice(0, 100)}`;
  }
  return file && text ? `${file}: ${text}` : file || text;
}

function inputAt(source: unknown, place: FaultPlace): unknown {
  let value = source;
  for (const step of place) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[step];
  }
  return value;
}

function shown(input: unknown): string {
  if (Array.isArray(input)) return "a list";
  if (typeof input === "object" && input !== null) return "this object";
  return (JSON.stringify(input) ?? String(input)).slice(0, 60);
}
