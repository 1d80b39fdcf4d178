import type { Recording, Scalar } from "../../core/call.ts";
import { type JsonObject, objectAt, scalarsOf, secondsAt, textAt } from "../../lib/body.ts";
import { plainWord } from "../../lib/words.ts";

const maxTextLength = 255;
const maxCustomLength = 4_000;
const maxUrlLength = 2_048;
/** More legs or recordings than one call has. */
export const mostListed = 100;

/** A member as text that any store can hold: well-formed, no control characters. Exotel's literal `null` is absent. */
export function textOf(fields: JsonObject, name: string, maxLength = maxTextLength): string | undefined {
  const text = textAt(fields, name)?.slice(0, maxLength).toWellFormed();
  const clean = text?.replace(/\p{Cc}+/gu, " ").trim();
  return clean === "" || clean === "null" ? undefined : clean;
}

/** A member that is one of a few words, in one spelling: `No_Answer` is `no-answer`. */
export function wordOf(fields: JsonObject, name: string): string | undefined {
  const word = plainWord(textOf(fields, name))?.slice(0, 60);
  return word === "none" || word === "undefined" ? undefined : word;
}

/** A name for logs and lists. */
export function kindOf(...words: (string | undefined)[]): string {
  const name = words.filter((word) => word !== undefined).join("_");
  return name.replace(/[^\w.-]+/g, "_").slice(0, 60);
}

/** A recording that can be fetched: anything but an http(s) URL is left out. */
export function recordingOf(fields: JsonObject, name: string, secondsName?: string): Recording | undefined {
  const ref = textOf(fields, name, maxUrlLength + 1);
  if (!ref || ref.length > maxUrlLength || !/^https?:\/\/\S+$/i.test(ref) || !URL.canParse(ref))
    return undefined;
  const seconds = secondsName === undefined ? undefined : secondsAt(fields, secondsName);
  return { ref, ...(seconds !== undefined && { seconds }) };
}

/** The named members as custom facts. */
export function customOf(fields: JsonObject, names: readonly string[], prefix = ""): Record<string, Scalar> {
  const told = names.flatMap((name) => {
    const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
    const clean = typeof value === "string" ? textOf(fields, name, maxCustomLength) : value;
    return clean === undefined ? [] : [[name, clean] as const];
  });
  return scalarsOf(Object.fromEntries(told), prefix);
}

/** A leg by its place: Legs is a list in JSON and `Legs[1][…]` in a form, where a leg that nobody spoke of is missing. */
export function legAt(fields: JsonObject, place: number): JsonObject {
  const legs = fields["Legs"];
  if (Array.isArray(legs)) return objectAt({ leg: legs[place] }, "leg");
  return objectAt(objectAt(fields, "Legs"), String(place));
}

/** A leg's own status; absent for a leg that was not attempted. */
export function legStatus(leg: JsonObject): string | undefined {
  return wordOf(leg, "Status") ?? wordOf(objectAt(leg, "Insights"), "Status");
}
