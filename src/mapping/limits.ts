import { type Limit, recordLimits } from "./budget.ts";
import type { Limited } from "./rendering.ts";

const [steps, characters, output] = [recordLimits.steps, recordLimits.characters, recordLimits.output].map(
  (most) => most.toLocaleString("en"),
);

const limits: Readonly<Record<Limit, { what: string; cure: string }>> = {
  steps: {
    what: `the texts of a call may take ${steps} steps together, one of them half of what is left`,
    cure: "make its loops fewer or shorter",
  },
  characters: {
    what: `the texts of a call may read and write ${characters} characters together, one of them half of what is left`,
    cure: "use smaller ranges and lists, fewer dates, and fewer filters on long texts",
  },
  output: {
    what: `the fields of a call may have ${output} characters together, one of them half of what is left`,
    cure: "put long texts into fewer fields, or use call.transcript.short",
  },
  depth: { what: "it puts lists in lists more than 20 deep", cure: "put texts together with append" },
  time: { what: "the texts of a call took more than a second", cure: "make its loops fewer or shorter" },
};

/** Why a field has no text, in a clause that follows its name. Without any of the text. */
export function whyLimited({ limit }: Pick<Limited, "limit">): string {
  const { what, cure } = limits[limit];
  return `whose text ran into a limit: it is left out, or gets its else, since ${what}. To do: ${cure} (docs/mappings.md#limits)`;
}

/** For a list of what a call was logged without. */
export function limitedTexts(limited: readonly Limited[]): string[] {
  return limited.map((one) => `${one.field}, ${whyLimited(one)}`);
}
