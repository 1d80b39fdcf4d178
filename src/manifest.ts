import { readFileSync } from "node:fs";
import { z } from "zod";

const text = z.string().min(1);
const path = text.startsWith("/");
const scalar = z.union([z.string(), z.number(), z.boolean()]);
const httpsUrl = z.url({ protocol: /^https$/ }).max(250);
const apiName = z.string().regex(/^[A-Za-z]\w*$/);

/** The support for a CRM's users. The marketplaces accept https URLs of at most 250 characters. */
const support = z.strictObject({
  email: z.email(),
  website: httpsUrl,
  setupGuide: httpsUrl,
  phone: text.optional(),
});

/** Changes in the CRM that it reports to us. `properties`: the contact properties whose changes are reported. */
const webhooks = z.strictObject({
  path,
  subscriptions: z.array(text).min(1),
  properties: z.array(text),
  accountEvents: z.array(text),
});

/** What we read and write, for a listing's table of shared data. */
const sharedData = z.strictObject({
  object: text,
  access: z.enum(["read", "write", "read and write"]),
  about: text,
});

/** A field of our own on activities. `key`: it holds the key of the call. `from`: the path of a mapping it is meant for. */
const field = z.strictObject({
  name: apiName.endsWith("__c"),
  label: text.max(40),
  type: z.enum(["Text", "DateTime", "Phone", "Url"]),
  key: z.boolean().default(false),
  from: text,
  about: text.max(510),
});

/** `fields`: it opens all fields of our own. `users`: permissions that belong to no object. */
const permissionSet = z.strictObject({
  name: apiName,
  label: text.max(80),
  about: text.max(255),
  fields: z.boolean(),
  objects: z.record(apiName, z.array(z.enum(["read", "create", "edit", "delete"])).min(1)),
  users: z.array(apiName),
});

/** What is installed into an org, and what Salesforce handed out for it: `namespace` and all that is optional. */
const orgPackage = z.strictObject({
  namespace: z.string(),
  packageAliases: z.record(text, text).optional(),
  orgScopedExternalApp: text.optional(),
  oauthLink: text.optional(),
  fields: z.array(field).min(1),
  permissionSets: z.array(permissionSet).min(1),
});

const manifestSchema = z.strictObject({
  identity: z.strictObject({
    id: text,
    name: text,
    version: z.string().regex(/^\d+\.\d+\.\d+/),
    description: text,
    support,
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
          /** Signing people in. `scopes`: what that consent asks for; without any, the same as installing. */
          signIn: z.strictObject({ callback: path, scopes: z.array(text) }).optional(),
          scopes: z.array(text).min(1),
          optionalScopes: z.array(text),
          /** Why each scope is requested. */
          reasons: z.record(text, text).default({}),
          /** The feature of each optional scope, as a sentence that continues after "on:" or "off:". */
          features: z.record(text, text).default({}),
        })
        .optional(),
      webhooks: webhooks.optional(),
      data: z.array(sharedData).default([]),
      package: orgPackage.optional(),
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

/** What a marketplace needs: identity, CRMs with their OAuth scopes, providers and settings. */
export type Manifest = z.output<typeof manifestSchema>;

/** The CRM with this id; throws when the manifest has none. */
export function crmIn({ crms }: Manifest, id: string): Manifest["crms"][number] {
  const crm = crms.find((one) => one.id === id);
  if (crm) return crm;
  throw new Error(`manifest.json has no CRM ${id}`);
}

/** The manifest beside `src` in the checkout, and beside `dist/src` in the package; throws when it is not whole. */
export function readManifest(): Manifest {
  const file = new URL("../manifest.json", import.meta.url);
  const result = manifestSchema.safeParse(JSON.parse(readFileSync(file, "utf8")));
  if (result.success) return result.data;
  throw new Error(`${file.pathname} is not a manifest:\n${z.prettifyError(result.error)}`);
}
