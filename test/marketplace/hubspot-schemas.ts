type Schema = { readonly [word: string]: unknown };

const text = { type: "string", minLength: 1 } as const;
const flag = { type: "boolean" } as const;
const httpsUrl = { type: "string", format: "uri", pattern: "^https://", maxLength: 250 } as const;
const listOf = (items: Schema, more: Schema = {}): Schema => ({
  type: "array",
  items,
  uniqueItems: true,
  ...more,
});
const record = (properties: Readonly<Record<string, Schema>>, optional: readonly string[] = []): Schema => ({
  type: "object",
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
  additionalProperties: false,
});

/** Of the new format, for any object. */
const objectEvents = [
  "object.creation",
  "object.deletion",
  "object.merge",
  "object.restore",
  "object.propertyChange",
  "object.associationChange",
];
const scopes = listOf({ type: "string", pattern: "^[a-z][a-z0-9._-]*$" });
const urls = listOf(httpsUrl);

const app = record({
  name: { ...text, maxLength: 200 },
  description: text,
  distribution: { enum: ["marketplace", "private"] },
  auth: record({
    type: { const: "oauth" },
    redirectUrls: listOf(httpsUrl, { minItems: 1 }),
    requiredScopes: { ...scopes, minItems: 1 },
    optionalScopes: scopes,
    conditionallyRequiredScopes: scopes,
  }),
  permittedUrls: record({ fetch: urls, iframe: urls, img: urls }),
  support: record(
    {
      supportEmail: { type: "string", format: "email" },
      documentationUrl: httpsUrl,
      supportUrl: httpsUrl,
      supportPhone: text,
    },
    ["supportPhone"],
  ),
});

const webhooks = record({
  settings: record({ targetUrl: httpsUrl, maxConcurrentRequests: { type: "integer", minimum: 1 } }),
  subscriptions: record({
    crmObjects: listOf({
      ...record(
        { subscriptionType: { enum: objectEvents }, objectType: text, propertyName: text, active: flag },
        ["propertyName"],
      ),
      if: { properties: { subscriptionType: { const: "object.propertyChange" } } },
      // biome-ignore lint/suspicious/noThenProperty: a word of JSON Schema
      then: { required: ["propertyName"] },
    }),
    legacyCrmObjects: listOf(
      record({ subscriptionType: text, propertyName: text, active: flag }, ["propertyName"]),
    ),
    hubEvents: listOf(
      record({
        subscriptionType: {
          enum: ["contact.privacyDeletion", "conversation.creation", "conversation.deletion"],
        },
        active: flag,
      }),
    ),
  }),
});

/**
 * The two kinds of component that we have, as HubSpot's pages describe them for marketplace apps: whatever its own
 * schemas, which it gives to signed-in developers only, say beyond that is not verified. By HubSpot's internal names.
 */
export const schemas: Readonly<Record<string, Schema>> = { APPLICATION: app, WEBHOOKS: webhooks };
