import type { Scalar } from "../core/call.ts";
import {
  createBudget,
  type Limit,
  longestValue,
  type RenderBudget,
  recordLimits,
  spendOutput,
} from "./budget.ts";
import { createClocks, type Path, type View } from "./view.ts";

/** A text that reached a limit: its field gets its `else`, or is left out. `field`: e.g. `activity.subject`. */
export type Limited = { field: string; limit: Limit };

/**
 * The rendering of one record, from its first field to its last: what its texts may still spend, and those that reached
 * a limit.
 */
export type Rendering = {
  budget: RenderBudget;
  limited: Limited[];
  view: View;
  /** The value of a path; each is read once. */
  fact(name: string, path: Path): Scalar | undefined;
};

/** `clocks`: those of the mapping, which outlive the record. */
export function startRendering(
  view: View,
  { budget = createBudget(), clocks = createClocks() } = {},
): Rendering {
  const facts = new Map<string, Scalar | undefined>();
  return {
    view,
    budget,
    limited: [],
    fact(name, path) {
      if (!facts.has(name)) facts.set(name, readPath(path, view, clocks));
      return facts.get(name);
    },
  };
}

/** The value of a path in a view, in the path's own type; undefined when it is absent, empty or of another type. */
export function readPath({ type, get }: Path, view: View, clocks = createClocks()): Scalar | undefined {
  const value = get(view, clocks);
  switch (type) {
    case "number":
      return finite(value);
    case "boolean":
      return typeof value === "boolean" ? value : undefined;
    case "datetime":
      return typeof value === "string" && !Number.isNaN(Date.parse(value)) ? cleanText(value) : undefined;
    case "any":
      return typeof value === "boolean" ? value : (finite(value) ?? cleanText(value));
    default:
      return cleanText(typeof value === "number" ? finite(value)?.toString() : value);
  }
}

/** Trimmed text without NULs and lone surrogates, which PostgreSQL and the CRMs refuse; undefined when it is empty. */
export function cleanText(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  const text = value.replaceAll("\0", "").trim();
  return (text.isWellFormed() ? text : text.toWellFormed()) || undefined;
}

function finite(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** The first characters of a text, at most `most`, with a mark that it was cut; no character is split. */
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
  // Once per field: its `else` may be too long as well.
  if (limited.at(-1)?.field !== field) limited.push({ field, limit: "output" });
  return undefined;
}

const [mostSteps, mostCharacters, mostOutput] = [
  recordLimits.steps,
  recordLimits.characters,
  recordLimits.output,
].map((most) => most.toLocaleString("en"));

const limits: Readonly<Record<Limit, { what: string; cure: string }>> = {
  steps: {
    what: `the texts of a call may take ${mostSteps} steps together, one of them half of what is left`,
    cure: "make its loops fewer or shorter",
  },
  characters: {
    what: `the texts of a call may read and write ${mostCharacters} characters together, one of them half of what is left`,
    cure: "use smaller ranges and lists, fewer dates, and fewer filters on long texts",
  },
  output: {
    what: `the fields of a call may have ${mostOutput} characters together, one of them half of what is left`,
    cure: "put long texts into fewer fields, or use call.transcript.short",
  },
  depth: { what: "it puts lists in lists more than 20 deep", cure: "put texts together with append" },
  time: { what: "the texts of a call took more than a second", cure: "make its loops fewer or shorter" },
};

/** Why a field has no text, as a clause that follows its name. Contains none of the text. */
export function whyLimited({ limit }: Pick<Limited, "limit">): string {
  const { what, cure } = limits[limit];
  return `whose text ran into a limit: it is left out, or gets its else, since ${what}. To do: ${cure} (docs/mappings.md#limits)`;
}

/** For the list of what was left out of an activity. */
export function limitedTexts(limited: readonly Limited[]): string[] {
  return limited.map((one) => `${one.field}, ${whyLimited(one)}`);
}
