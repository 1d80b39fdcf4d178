import type { Fault } from "../core/errors.ts";

/** The largest mapping file in bytes: reading one must not delay incoming calls. The default mappings have 3 KB. */
export const largestFile = 256_000;
/** In all fields together, in characters. */
export const mostLiquid = 50_000;
const mostFields = 200;
const mostRules = 200;
const mostConditions = 50;

export function tooLarge(file: string): Fault {
  const problem = `is larger than ${largestFile / 1_000} KB.`;
  return { at: file, problem, cure: "Leave out what is not needed: no mapping needs that much." };
}

/**
 * Faults of a mapping with too many fields, rules or conditions. Checked first, since all other checks take time for
 * each.
 */
export function sizeFaults(source: unknown, file: string): Fault[] {
  const [top, answer, task] = [source, at(source, "answer"), at(source, "task")];
  const parts = {
    activity: at(top, "activity"),
    associate: at(top, "associate"),
    contact: at(top, "contact"),
    "task.fields": at(task, "fields"),
    "answer.variables": at(answer, "variables"),
    "answer.metadata": at(answer, "metadata"),
  };
  const rules = at(answer, "rules");
  return [
    ...Object.entries(parts).flatMap(([part, fields]) =>
      over(fields, mostFields, "fields", `${file}: ${part}`),
    ),
    ...over(rules, mostRules, "rules", `${file}: answer.rules`),
    ...(Array.isArray(rules) ? rules.slice(0, mostRules) : []).flatMap((rule, index) =>
      over(at(rule, "if"), mostConditions, "conditions", `${file}: answer.rules[${index}].if`),
    ),
  ];
}

function at(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}

function over(value: unknown, most: number, what: string, place: string): Fault[] {
  const count = typeof value === "object" && value !== null ? Object.keys(value).length : 0;
  if (count <= most) return [];
  return [{ at: place, problem: `has ${count} ${what}; ${most} are possible.`, cure: "Leave some out." }];
}
