import { z } from "zod";
import type { Fault } from "../core/errors.ts";
import { didYouMean } from "../mapping/nearest.ts";

/**
 * A value as its schema parses it, or undefined with the reasons added to `faults`.
 * A place that already has a fault (a variable that is not set) gets no second one.
 */
export function check<T>(schema: z.ZodType<T>, value: unknown, at: string, faults: Fault[]): T | undefined {
  const result = schema.safeParse(value);
  const unknown = isPlain(value) ? unknownNames(schema, value, at) : [];
  const found = [...unknown, ...(result.error?.issues ?? []).flatMap((issue) => faultsOf(schema, issue, at))];
  const known = faults.map((fault) => fault.at);
  faults.push(
    ...found.filter((fault, i) => !known.some((one) => isWithin(fault.at, one)) && isFirst(found, fault, i)),
  );
  return found.length > 0 ? undefined : result.data;
}

function isWithin(at: string, outer: string): boolean {
  return at === outer || at.startsWith(`${outer}.`) || at.startsWith(`${outer}[`);
}

function isFirst(found: readonly Fault[], fault: Fault, index: number): boolean {
  return found.findIndex(({ at, problem }) => at === fault.at && problem === fault.problem) === index;
}

/** Names that a lenient schema would silently drop, so that a typo in an optional setting is noticed. */
function unknownNames(schema: z.ZodType, value: object, at: string): Fault[] {
  const names = namesAt(schema, []);
  if (names.length === 0) return [];
  return Object.keys(value).flatMap((name) => (names.includes(name) ? [] : unknownName(name, names, at)));
}

function unknownName(name: string, names: readonly string[], at: string): Fault {
  const cure = didYouMean(name, names) ?? `Remove it, or use one of: ${names.join(", ")}.`;
  return { at: placeWithin(at, name), problem: "there is no such setting.", cure };
}

function faultsOf(schema: z.ZodType, issue: z.core.$ZodIssue, at: string): Fault[] {
  const place = issue.path.reduce<string>(placeWithin, at);
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => unknownName(key, namesAt(schema, issue.path), place));
  }
  if (issue.code === "invalid_type" && /received undefined$/.test(issue.message)) {
    return [{ at: place, problem: "is missing.", cure: `Add it: ${issue.expected}.` }];
  }
  return [{ at: place, problem: sentence(issue.message.replace(/^Invalid input: /, "")) }];
}

function sentence(text: string): string {
  return /[.?!]$/.test(text) ? text : `${text}.`;
}

/** The names that an object at this path of a schema may have; none when it may have any. */
function namesAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  const inner = unwrapped(schema);
  const [first, ...rest] = path;
  if (inner instanceof z.ZodArray && first !== undefined) return namesAt(inner.element, rest);
  if (!(inner instanceof z.ZodObject)) return [];
  const shape: Readonly<Record<string, z.core.$ZodType>> = inner.shape;
  if (first === undefined) return Object.keys(shape);
  const member = Object.hasOwn(shape, first) ? shape[String(first)] : undefined;
  return member ? namesAt(member, rest) : [];
}

function unwrapped(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return unwrapped(schema.def.innerType);
  }
  if (!(schema instanceof z.ZodPipe)) return schema;
  const { in: before, out: after } = schema.def;
  return unwrapped(before instanceof z.ZodTransform ? after : before);
}

export function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** The placeholder of a variable that is not set, long enough that only the missing variable is reported. */
const placeholder = "variable-not-set";

/** The value with every `{"env": "NAME"}` replaced by that variable; one that is not set is a fault. */
export function resolveSecrets(
  value: unknown,
  at: string,
  environment: Environment,
  faults: Fault[],
): unknown {
  const inside = (inner: unknown, place: string) => resolveSecrets(inner, place, environment, faults);
  if (Array.isArray(value)) return value.map((item, index) => inside(item, `${at}[${index}]`));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  const [[name, variable] = []] = entries;
  if (entries.length !== 1 || name !== "env" || typeof variable !== "string") {
    return Object.fromEntries(entries.map(([key, inner]) => [key, inside(inner, placeWithin(at, key))]));
  }
  const secret = Object.hasOwn(environment, variable) ? environment[variable] : undefined;
  if (secret) return secret;
  faults.push({
    at,
    problem: `the environment variable ${JSON.stringify(variable)} is ${secret === "" ? "empty" : "not set"}.`,
    cure: "Set it, or write the name of another.",
  });
  return placeholder;
}

/** `switchhook.json: installations.acme` for a key of `installations`; the first key follows the file's name. */
export function placeWithin(at: string, key: PropertyKey): string {
  if (typeof key === "number") return `${at}[${key}]`;
  const text = /^[\w$-]+$/.test(String(key)) ? String(key) : JSON.stringify(String(key).slice(0, 60));
  return at.endsWith(":") ? `${at} ${text}` : `${at}.${text}`;
}
