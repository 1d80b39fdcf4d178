import type { ZodObject } from "zod";
import type { schemas } from "./openapi-schemas.ts";

export type JsonSchema = { readonly [name: string]: unknown };
export type Operation = {
  summary: string;
  open?: true;
  query?: ZodObject;
  body?: JsonSchema;
  responses: JsonSchema;
};

/** The words that descriptions are made of. */
export const ref = (name: keyof typeof schemas): JsonSchema => ({ $ref: `#/components/schemas/${name}` });
export const json = (description: string, schema: JsonSchema): JsonSchema => ({
  description,
  content: { "application/json": { schema } },
});
export const problem = (description: string): JsonSchema => json(description, ref("Problem"));
export const text = (description: string, type: string): JsonSchema => ({
  description,
  content: { [type]: {} },
});
export const page = (of: keyof typeof schemas): JsonSchema => ({
  type: "object",
  required: ["items"],
  properties: { items: { type: "array", items: ref(of) }, next: { type: "string" } },
});
export const badQuery = { "400": problem("A parameter is wrong: which one, and the cure.") };
export const noCall = { "404": problem("There is no such call.") };
export const noInstallation = { "404": problem("There is no such installation.") };
