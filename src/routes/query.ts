import { type ZodObject, z } from "zod";
import { Rejected } from "../core/errors.ts";
import { identityOf } from "../core/phone.ts";
import { callStates } from "../core/tracked-call.ts";

const identifier = parameter(
  /^[a-z0-9][a-z0-9-]{0,39}$/,
  "give one name of small letters, digits and dashes",
);
const utcTime = parameter(
  /^2\d\d\d-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z)?$/,
  "give a date or a time in UTC, e.g. 2026-01-02 or 2026-01-02T03:04:05Z",
).refine((value) => Number.isFinite(Date.parse(value)), { error: "there is no such day or time" });

export const noQuery = z.strictObject({});

export const pageQuery = z.strictObject({
  installation: identifier.optional(),
  limit: parameter(/^([1-9]\d?|1\d\d|200)$/, "give a whole number from 1 to 200")
    .transform(Number)
    .optional()
    .meta({ description: "1 to 200; 50 when it is left out." }),
  cursor: parameter(/^\d{1,15}$/, "give the `next` of the page before, or leave it out")
    .transform(Number)
    .optional()
    .meta({ description: "`next` of the page before." }),
});

export const callQuery = pageQuery.extend({
  provider: identifier.optional(),
  state: z.enum(callStates, { error: `give one of ${callStates.join(", ")}` }).optional(),
  number: parameter(/^.{1,40}$/, "give one phone number, e.g. +31612345678")
    .optional()
    .meta({ description: "The customer's number, E.164 or national." }),
  since: utcTime.optional().meta({ description: "First received at this time (UTC) or later." }),
  until: utcTime.optional().meta({ description: "First received before this time (UTC)." }),
});

export const unusedQuery = pageQuery.omit({ cursor: true });

export const previewQuery = z.strictObject({
  preview: z
    .literal("1", { error: "give 1 to see what would change, or leave it out to save" })
    .optional()
    .meta({ description: "1: save nothing, only show what would change." }),
});

/** A single text, with one sentence for any error. */
function parameter(pattern: RegExp, error: string) {
  return z.string({ error }).regex(pattern, { error });
}

/** Throws `Rejected(400)` that names every wrong parameter and how to correct it. */
export function readQuery<Q extends ZodObject>(schema: Q, query: unknown): z.output<Q> {
  const result = schema.safeParse(query);
  if (result.success) return result.data;
  const known = Object.keys(schema.shape).join(", ") || "none";
  const problems = result.error.issues.map((issue) => {
    if (issue.code !== "unrecognized_keys") return `${issue.path.join(".")}: ${issue.message}`;
    const names = issue.keys.map((key) => JSON.stringify(key.slice(0, 40))).join(", ");
    return `there is no parameter ${names}: known here are ${known}`;
  });
  throw new Rejected(400, problems.join("; "));
}

/** The number to filter by, in the form that calls are indexed by. Throws `Rejected(400)`. */
export function numberToFilter(raw: string, region: string): string {
  const number = identityOf(raw, region);
  if (number) return number;
  throw new Rejected(
    400,
    "number: this is no phone number; give it in international form, e.g. %2B31612345678 (an encoded +)",
  );
}
