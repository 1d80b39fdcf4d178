import type { Scalar } from "../core/call.ts";
import { createClocks, type Path, type View } from "./view.ts";

/** The limits of a record. `depth` and `time` are not spent. */
type Limit = "steps" | "characters" | "output" | "depth" | "time";
type Amounts = {
  steps: number;
  /** Read and written while Liquid is rendered. */
  characters: number;
  /** Of the values that the fields get. */
  output: number;
};

/**
 * For all texts of one record: the fields of a call, or one answer. Counted, not timed, so that a call renders the same
 * on a busy machine. All of it takes at most about 50 ms (measured 2026-11).
 */
export const recordLimits: Readonly<Amounts> = { steps: 10_000, characters: 3_000_000, output: 1_000_000 };

/** Of one field, in characters. No field of HubSpot (65,536) or Salesforce (131,072) takes more (2026). */
const longestValue = 200_000;

/** Nesting of lists. */
const deepest = 20;
/** The last resort, for costs that are not counted. No normal record comes near it. */
const longestMs = 1_000;
const stepsBetweenLooks = 64;

/** A text reached a limit. Thrown and caught within this folder. */
export class LimitError extends Error {
  readonly limit: Limit;

  constructor(limit: Limit) {
    super(`the text ran into the limit of ${limit}`);
    this.name = "LimitError";
    this.limit = limit;
  }
}

/** What the texts of one record may still spend. */
export type RenderBudget = { left: Amounts; deadline: number };

export function createBudget(): RenderBudget {
  return { left: { ...recordLimits }, deadline: performance.now() + longestMs };
}

/** The share of its budget that a record has spent, from 0 to 1. */
export function shareSpent({ left }: RenderBudget): number {
  const names = ["steps", "characters", "output"] as const;
  return 1 - Math.min(...names.map((name) => left[name] / recordLimits[name]));
}

/**
 * One value may use half of what is left, so that long values leave room for short ones. Returns false when it is
 * longer.
 */
function spendOutput({ left }: RenderBudget, characters: number): boolean {
  if (characters > left.output / 2) return false;
  left.output -= characters;
  return true;
}

/** Spends for one text. Both throw `LimitError` when its share is spent. */
export type TextMeter = { step(): void; read(characters: number): void };

/** One text may spend half of what is left, so that an expensive text does not take the others with it. */
export function spend<T>(budget: RenderBudget, work: (meter: TextMeter) => T): T {
  const { left, deadline } = budget;
  const reserved = { steps: Math.ceil(left.steps / 2), characters: Math.ceil(left.characters / 2) };
  const meter: TextMeter = {
    step() {
      if (left.steps <= reserved.steps) throw new LimitError("steps");
      left.steps -= 1;
      if (left.steps % stepsBetweenLooks === 0 && performance.now() > deadline) throw new LimitError("time");
    },
    read(characters) {
      // Written so that NaN throws, too.
      if (!(left.characters - characters >= reserved.characters)) {
        left.characters = reserved.characters;
        throw new LimitError("characters");
      }
      left.characters -= Math.max(0, characters);
    },
  };
  return work(meter);
}

/**
 * The size of a value, spent while it is counted: a list that contains another list several times is as large as all
 * that it would print. Each character costs `weight`.
 */
export function weigh(meter: TextMeter, value: unknown, weight = 1, depth = 0): number {
  if (typeof value === "string") {
    meter.read(value.length * weight);
    return value.length;
  }
  if (typeof value !== "object" || value === null) return 1;
  if (depth > deepest) throw new LimitError("depth");
  let size = 0;
  for (const item of Array.isArray(value) ? value : Object.values(value)) {
    meter.read(itemCost);
    size += itemCost + weigh(meter, item, weight, depth + 1);
  }
  return size;
}

/** The cost of an item of a list, in characters. */
const itemCost = 4;

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
