import { z } from "zod";

/** Dated versions of HubSpot's API that we know the answers of. */
export const apiVersions = ["2026-03", "2026-09"] as const;

const url = z
  .url({ protocol: /^https?$/, error: 'is not a URL such as "https://api.hubapi.com"' })
  .transform((text) => text.replace(/\/+$/, ""));

export const settings = z.strictObject({
  type: z.literal("hubspot"),
  token: z
    .string()
    .min(1, 'is empty: use the access token of a private app, as {"env": "HUBSPOT_TOKEN"}')
    .regex(/^[\x21-\x7e]+$/, "has a character that no token has: was it pasted whole?"),
  apiUrl: url.default("https://api.hubapi.com"),
  apiVersion: z.enum(apiVersions).default("2026-03"),
});

/** `installations.<name>.crm`. `apiVersion`: the dated version that all requests go to. */
export type HubspotSettings = z.infer<typeof settings>;
