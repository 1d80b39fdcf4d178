import type { Fault } from "../core/errors.ts";

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
