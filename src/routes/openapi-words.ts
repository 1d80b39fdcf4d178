import type { ZodObject } from "zod";
import type { schemas } from "./openapi-schemas.ts";

export type Json = { readonly [name: string]: unknown };
export type Operation = { summary: string; open?: true; query?: ZodObject; body?: Json; responses: Json };

/** The words that descriptions are made of. */
export const ref = (name: keyof typeof schemas): Json => ({ $ref: `#/components/schemas/${name}` });
export const json = (description: string, schema: Json): Json => ({
  description,
  content: { "application/json": { schema } },
});
export const problem = (description: string): Json => json(description, ref("Problem"));
export const text = (description: string, type: string): Json => ({ description, content: { [type]: {} } });
export const page = (of: keyof typeof schemas): Json => ({
  type: "object",
  required: ["items"],
  properties: { items: { type: "array", items: ref(of) }, next: { type: "string" } },
});
export const badQuery = { "400": problem("A parameter is wrong: which one, and the cure.") };
export const noCall = { "404": problem("There is no such call.") };
export const noInstallation = { "404": problem("There is no such installation.") };
