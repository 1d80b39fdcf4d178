import { readFileSync } from "node:fs";
import { z } from "zod";

const text = z.string().min(1);
const path = text.startsWith("/");
const scalar = z.union([z.string(), z.number(), z.boolean()]);

const manifestSchema = z.strictObject({
  identity: z.strictObject({
    id: text,
    name: text,
    version: z.string().regex(/^\d+\.\d+\.\d+/),
    description: text,
  }),
  crms: z.array(
    z.strictObject({
      id: text,
      label: text,
      status: z.enum(["ready", "planned"]),
      mapping: text,
      oauth: z
        .strictObject({
          install: path,
          callback: path,
          scopes: z.array(text).min(1),
          optionalScopes: z.array(text),
        })
        .optional(),
    }),
  ),
  providers: z.array(
    z.strictObject({
      id: text,
      label: text,
      webhook: path,
      methods: z.array(z.enum(["GET", "POST"])).min(1),
    }),
  ),
  settings: z.array(
    z.strictObject({
      name: text,
      type: z.enum(["string", "number", "boolean", "list", "object"]),
      required: z.boolean(),
      default: scalar.optional(),
      options: z.array(text).optional(),
      about: text,
    }),
  ),
});

/** What a marketplace is told: identity, CRMs with their OAuth scopes, providers and settings. */
export type Manifest = z.output<typeof manifestSchema>;

/** The manifest beside `src` in the checkout, and beside `dist/src` in the package; throws when it is not whole. */
export function readManifest(): Manifest {
  const file = new URL("../manifest.json", import.meta.url);
  const result = manifestSchema.safeParse(JSON.parse(readFileSync(file, "utf8")));
  if (result.success) return result.data;
  throw new Error(`${file.pathname} is not a manifest:\n${z.prettifyError(result.error)}`);
}
