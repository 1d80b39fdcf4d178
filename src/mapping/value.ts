import type { Scalar } from "../core/call.ts";
import type { Fault } from "../core/errors.ts";
import { placeText } from "./faults.ts";
import { compileText } from "./liquid.ts";
import { didYouMean } from "./nearest.ts";
import { contactFieldOf, findPath, pathCure } from "./paths.ts";
import { output, type Rendering } from "./rendering.ts";
import { mostLiquid, type ValueSource } from "./schema.ts";
import type { PathType } from "./view.ts";

/** The findings of compiling one file. */
export type Findings = {
  file: string;
  faults: Fault[];
  /** The CRM's names of contact fields, and where each is named first. */
  contactFields: Map<string, string>;
  /** The number of characters of Liquid. */
  liquid: number;
};

/** The most faults that are looked for: each is compared with all known words. */
const mostFaults = 100;

export function isFull({ faults }: Findings): boolean {
  return faults.length >= mostFaults;
}

export function reportedFaults(findings: Findings): readonly Fault[] {
  const { file, faults } = findings;
  if (!isFull(findings)) return faults;
  const more = {
    at: file,
    problem: `there may be more: ${mostFaults} are reported at once.`,
    cure: "Correct these first.",
  };
  return [...faults.slice(0, mostFaults), more];
}

export type Read = (rendering: Rendering) => Scalar | undefined;

/** The possible values of a field, for the check against the CRM. */
export type Yield = {
  /** The type of a fact, with all its values when the list is closed. */
  fact?: { type: PathType; at: string; values?: readonly string[] };
  /** Values in the file. */
  constants: { at: string; value: Scalar }[];
};

export type Value = { read: Read; yields: Yield };

export function addFault(
  findings: Findings,
  place: readonly PropertyKey[],
  problem: string,
  cure?: string,
): void {
  findings.faults.push({ at: placeText(findings.file, place), problem, ...(cure && { cure }) });
}

/** Compiles one value and adds its faults to the findings. The value is spent from the record's output. */
export function compileValue(source: ValueSource, place: string[], findings: Findings): Value {
  const field = place.join(".");
  if (typeof source !== "object") {
    return {
      read: (rendering) => output(source, field, rendering),
      yields: { constants: [{ at: placeText(findings.file, place), value: source }] },
    };
  }
  const value =
    "from" in source ? compileFrom(source, place, findings) : compileTemplate(source.text, place, findings);
  const read: Read = (rendering) => output(value.read(rendering), field, rendering);
  const fallback = source.else;
  if (fallback === undefined) return { read, yields: value.yields };
  value.yields.constants.push({ at: placeText(findings.file, [...place, "else"]), value: fallback });
  return {
    read: (rendering) => read(rendering) ?? output(fallback, field, rendering),
    yields: value.yields,
  };
}

function compileFrom(
  { from, map }: { from: string; map?: Record<string, Scalar> | undefined },
  place: string[],
  findings: Findings,
): Value {
  const read = compilePath(from, [...place, "from"], findings);
  const path = findPath(from);
  const at = placeText(findings.file, [...place, "from"]);
  const { type = "any", values } = path ?? {};
  if (!map) return { read, yields: { fact: { type, at, ...(values && { values }) }, constants: [] } };
  const constants = Object.entries(map).map(([key, value]) => {
    checkConstant(from, key, [...place, "map", key], findings);
    return { at: placeText(findings.file, [...place, "map", key]), value };
  });
  const translations = new Map(Object.entries(map));
  const translate = (value: Scalar | undefined) =>
    value === undefined ? value : translations.get(String(value));
  return { read: (rendering) => translate(read(rendering)), yields: { constants } };
}

function compileTemplate(source: string, place: string[], findings: Findings): Value {
  const at = [...place, "text"];
  if (!/\{[{%]/.test(source)) {
    return {
      read: () => source,
      yields: { constants: [{ at: placeText(findings.file, at), value: source }] },
    };
  }
  findings.liquid += source.length;
  if (findings.liquid > mostLiquid) {
    const problem = `all Liquid up to here has more than ${mostLiquid.toLocaleString("en")} characters.`;
    if (findings.liquid - source.length <= mostLiquid) addFault(findings, at, problem, "Write less.");
    return { read: () => undefined, yields: { constants: [] } };
  }
  const text = compileText(source, place.join("."), (problem, cure) => addFault(findings, at, problem, cure));
  for (const path of text?.paths ?? []) noteContactField(path, at, findings);
  const yields: Yield = { fact: { type: "string", at: placeText(findings.file, at) }, constants: [] };
  return { read: text ? text.read : () => undefined, yields };
}

/** Compiles a path, which must exist. */
export function compilePath(path: string, place: readonly PropertyKey[], findings: Findings): Read {
  const fact = findPath(path);
  noteContactField(path, place, findings);
  if (fact) return (rendering) => rendering.fact(path, fact);
  if (isFull(findings)) return () => undefined;
  addFault(findings, place, `${path.slice(0, 100)} is not a path.`, pathCure(path));
  return () => undefined;
}

/** Checks that a fact with a closed list of values can have this one: a misspelt value would silently never match. */
export function checkConstant(
  path: string,
  constant: Scalar,
  place: readonly PropertyKey[],
  findings: Findings,
): void {
  if (isFull(findings)) return;
  const values = findPath(path)?.values;
  const word = String(constant);
  if (!values || values.includes(word)) return;
  const cure = didYouMean(word, values) ?? `It is one of: ${values.join(", ")}.`;
  addFault(findings, place, `${path} is never ${word.slice(0, 60)}.`, cure);
}

function noteContactField(
  path: string,
  place: readonly PropertyKey[],
  { contactFields, file }: Findings,
): void {
  const field = contactFieldOf(path);
  if (field !== undefined && !contactFields.has(field)) contactFields.set(field, placeText(file, place));
}
