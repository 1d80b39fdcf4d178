import { z } from "zod";
import { outcomes, type Scalar } from "../core/call.ts";
import type { Fault } from "../core/errors.ts";
import { openPaths, paths } from "./paths.ts";

/** Names of CRM fields and variables. A leading `_` would allow `__proto__`. */
const fieldName = z
  .string()
  .regex(/^[A-Za-z][\w.:-]{0,127}$/, "names start with a letter and have letters, digits and _ . : - only");

const path = z
  .string()
  .min(1)
  .meta({
    description:
      "A fact of the call, its contact, its owner or the installation; docs/mappings.md lists them.",
    anyOf: [
      { enum: Object.keys(paths) },
      ...Object.keys(openPaths).map((name) => ({ pattern: `^${name.replace(".", "\\.")}\\.[\\w-]+$` })),
    ],
  });

const scalar = z.union([z.string().min(1), z.number(), z.boolean()]);
const writeMode = z
  .enum(["always", "if-empty", "once"])
  .describe(
    "always: on every update. if-empty: only into an empty field. once: only when the activity is made.",
  );

/** A constant or exactly one directive. `more`: keys that only some sections allow beside it. */
function value<T extends z.ZodRawShape>(more: T, fallback: z.ZodType<Scalar> = scalar) {
  const shared = { else: fallback.optional().describe("What to write when the fact is unknown."), ...more };
  const map = z.record(z.string(), scalar).optional().describe("From the fact's value to the CRM's value.");
  return z.union([
    z.string().min(1),
    z.number(),
    z.boolean(),
    z.strictObject({ from: path, map, ...shared }).describe("A fact, as it is or translated."),
    z
      .strictObject({
        text: z.string().min(1).describe("Liquid, e.g. Call from {{ contact.name }}"),
        ...shared,
      })
      .describe("A text with facts in it."),
  ]);
}

const plainValue = value({});
/** Some AI agents read an unknown `{{variable}}` aloud, so an empty text must be possible. */
const anyScalar = z.union([z.string(), z.number(), z.boolean()]);
const variable = value({}, anyScalar);
/** A value of any section. */
export const valueSchema = value({ write: writeMode.optional() }, anyScalar);
const fields = <T extends z.ZodType>(of: T) => z.record(fieldName, of);

const condition = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.array(anyScalar).min(1),
  z.strictObject({ exists: z.boolean() }),
]);

export const ruleSchema = z
  .strictObject({
    name: z.string().min(1).describe("For the call's explanation."),
    if: z
      .record(z.string(), condition)
      .describe("All must hold. Path: a constant, a list of constants, or exists."),
    agent: z.string().min(1).optional().describe("The AI agent that takes the call."),
    reject: z.literal(true).optional().describe("Turn the call away."),
  })
  .refine(({ agent, reject }) => agent !== undefined || reject, {
    error: "the rule does nothing: give it an agent, or reject",
    path: ["agent"],
  })
  .meta({ anyOf: [{ required: ["agent"] }, { required: ["reject"] }] });

/** The outcomes of an unanswered inbound call. */
const missedOutcomes = outcomes.filter((outcome) => outcome !== "completed" && outcome !== "unknown");

/** The shape of a mapping file; its meaning is checked by `compileMapping`. */
export const mappingSchema = z.strictObject({
  $schema: z.string().optional(),
  crm: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,63}$/, "a CRM's id is lower case, like hubspot")
    .describe("The CRM that this file is for: the name of its folder."),
  activity: fields(value({ write: writeMode.optional() })).describe("The fields of the logged call."),
  associate: fields(plainValue)
    .optional()
    .describe("Other records that the call belongs to: the type of the record, and where its id stands."),
  contact: fields(plainValue).optional().describe("The fields of a contact made for an unknown caller."),
  task: z
    .strictObject({ when: z.array(z.enum(missedOutcomes)).min(1), fields: fields(plainValue) })
    .optional()
    .describe("The follow-up task of a missed inbound call. Leave it out for no tasks."),
  answer: z
    .strictObject({
      rules: z.array(ruleSchema).optional().describe("The first rule that holds wins."),
      variables: fields(variable).optional().describe("What the AI agent can say. All become texts."),
      metadata: fields(plainValue).optional().describe("What the AI platform keeps with the call."),
    })
    .optional()
    .describe("The answer to an AI agent's inbound call."),
});

export type ValueSource = z.infer<typeof valueSchema>;
export type RuleSource = z.infer<typeof ruleSchema>;
export type ConditionSource = z.infer<typeof condition>;

/** The JSON Schema for editors, stored as `mappings/mapping.schema.json`. */
export function schemaText(): string {
  const schema = z.toJSONSchema(mappingSchema, { target: "draft-7", io: "input" });
  return `${JSON.stringify({ title: "Switchhook mapping", ...schema }, null, 2)}\n`;
}

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
