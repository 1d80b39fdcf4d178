import { z } from "zod";

/** Dated versions of HubSpot's API whose answers are known. */
const apiVersions = ["2026-03", "2026-09"] as const;

const url = z
  .url({ protocol: /^https?$/, error: 'is not a URL such as "https://api.hubapi.com"' })
  .transform((text) => text.replace(/\/+$/, ""));

/** Where the API is: in the settings of an account and of our app. */
const api = {
  apiUrl: url.default("https://api.hubapi.com"),
  apiVersion: z.enum(apiVersions).default("2026-03"),
  /** For emulated accounts: send links to recordings that HubSpot itself refuses. */
  plainLinks: z.boolean().default(false),
};

/** An account that was connected by OAuth. */
export const installedSettings = z.strictObject({
  type: z.literal("hubspot"),
  /** Our app's number, when the config file has it. */
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

/** `installations.<name>.crm`. */
export type HubspotSettings = z.infer<typeof installedSettings> & {
  /** Absent when the account was connected by OAuth. */
  token?: string;
};

const text = (what: string) => z.string({ error: what }).trim().min(1, what);

/** Our app at HubSpot, as its Auth page shows it. */
export const app = z.strictObject({
  clientId: text("the client ID of the app"),
  clientSecret: text('the client secret of the app, as {"env": "HUBSPOT_CLIENT_SECRET"}'),
  appId: z.int({ error: "the app ID, a number" }).positive("the app ID, a number").optional(),
  authorizeUrl: z
    .url({ protocol: /^https?$/, error: 'is not a URL such as "https://app.hubspot.com/oauth/authorize"' })
    .regex(/\/authorize$/, 'must end with "/oauth/authorize"')
    .default("https://app.hubspot.com/oauth/authorize"),
  ...api,
});

export type HubspotApp = z.infer<typeof app>;
