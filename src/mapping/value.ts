import type { Scalar } from "../core/call.ts";
import type { Fault } from "../core/errors.ts";
import { placeText } from "./faults.ts";
import { compileText } from "./liquid.ts";
import { didYouMean } from "./nearest.ts";
import { contactFieldOf, findPath, type PathType, pathCure } from "./paths.ts";
import { reader } from "./read.ts";
import type { ValueSource } from "./schema.ts";
import type { View } from "./view.ts";

/** What compiling one file has found so far. `contactFields`: the CRM's names of contact fields, and where each is named first. */
export type Findings = { file: string; faults: Fault[]; contactFields: Map<string, string> };

export type Read = (view: View) => Scalar | undefined;

/**
 * What a field can get, for the check against the CRM. `fact`: the type of a fact, with all its values when the list
 * is closed. `constants`: values that stand in the file.
 */
export type Yield = {
  fact?: { type: PathType; at: string; values?: readonly string[] };
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

/** Compiles one value; what is wrong with it goes to the findings. */
export function compileValue(source: ValueSource, place: string[], findings: Findings): Value {
  if (typeof source !== "object") {
    return {
      read: () => source,
      yields: { constants: [{ at: placeText(findings.file, place), value: source }] },
    };
  }
  const value =
    "from" in source ? compileFrom(source, place, findings) : compileTemplate(source.text, place, findings);
  const fallback = source.else;
  if (fallback === undefined) return value;
  value.yields.constants.push({ at: placeText(findings.file, [...place, "else"]), value: fallback });
  return { read: (view) => value.read(view) ?? fallback, yields: value.yields };
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
  return { read: (view) => translate(read(view)), yields: { constants } };
}

function compileTemplate(source: string, place: string[], findings: Findings): Value {
  const at = [...place, "text"];
  if (!/\{[{%]/.test(source)) {
    return {
      read: () => source,
      yields: { constants: [{ at: placeText(findings.file, at), value: source }] },
    };
  }
  const text = compileText(source, (problem, cure) => addFault(findings, at, problem, cure));
  for (const path of text?.paths ?? []) noteContactField(path, at, findings);
  const yields: Yield = { fact: { type: "string", at: placeText(findings.file, at) }, constants: [] };
  return { read: text ? text.read : () => undefined, yields };
}

/** A getter for a path that must exist. */
export function compilePath(path: string, place: readonly PropertyKey[], findings: Findings): Read {
  const read = reader(path);
  noteContactField(path, place, findings);
  if (read) return read;
  addFault(findings, place, `${path.slice(0, 100)} is not a path.`, pathCure(path));
  return () => undefined;
}

/** A fact with a closed list of values is never anything else: a misspelt one would silently never match. */
export function checkConstant(
  path: string,
  constant: Scalar,
  place: readonly PropertyKey[],
  findings: Findings,
): void {
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
