/** The limits of a record. `depth` and `time` are not spent. */
export type Limit = "steps" | "characters" | "output" | "depth" | "time";
export type Amounts = {
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
export const longestValue = 200_000;

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
export function spendOutput({ left }: RenderBudget, characters: number): boolean {
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
