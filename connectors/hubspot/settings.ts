import { z } from "zod";

/** Dated versions of HubSpot's API that we know the answers of. */
const apiVersions = ["2026-03", "2026-09"] as const;

const url = z
  .url({ protocol: /^https?$/, error: 'is not a URL such as "https://api.hubapi.com"' })
  .transform((text) => text.replace(/\/+$/, ""));

/** Where the API is, for settings and apps alike. */
export const api = {
  apiUrl: url.default("https://api.hubapi.com"),
  apiVersion: z.enum(apiVersions).default("2026-03"),
  /** For emulated accounts: send links to recordings that HubSpot itself refuses. */
  plainLinks: z.boolean().default(false),
};

/** An account that was connected by OAuth. `appId`: our app's number, when the config file has it. */
export const installedSettings = z.strictObject({
  type: z.literal("hubspot"),
  appId: z.int().positive().optional(),
  ...api,
});

export const settings = z.strictObject({
  type: z.literal("hubspot"),
  token: z
    .string()
    .min(1, 'is empty: use the access token of a private app, as {"env": "HUBSPOT_TOKEN"}')
    .regex(/^[\x21-\x7e]+$/, "has a character that no token has: was it pasted whole?"),
  ...api,
});

/**
 * `installations.<name>.crm`. `token`: absent when the account was connected by OAuth. `apiVersion`: the dated version
 * that all requests go to.
 */
export type HubspotSettings = z.infer<typeof installedSettings> & { token?: string };
