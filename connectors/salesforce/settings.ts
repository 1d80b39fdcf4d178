import { createPrivateKey } from "node:crypto";
import { z } from "zod";

/** The origin of a URL that has nothing else. */
const originUrl = (example: string) =>
  z
    .url({ protocol: /^https?$/, error: `a URL such as ${example}` })
    .refine(isOrigin, `only the host, without a path: ${example}`)
    .refine(
      (text) => !/\.lightning\.force\.com/i.test(text),
      "the My Domain URL: https://<name>.my.salesforce.com",
    )
    .transform((text) => new URL(text).origin);

const text = (what: string) => z.string({ error: what }).min(1, what);

/** The first version that upserts many records in one request. */
const oldestVersion = 46;

const apiVersion = z
  .string({ error: 'a version in quotes, such as "66.0"' })
  .regex(/^\d+\.0$/, 'a version such as "66.0"')
  .refine((version) => Number(version) >= oldestVersion, `at least "${oldestVersion}.0"`)
  .default("66.0");

const keyField = z
  .string({ error: "the API name of the field that holds the key of a call" })
  .regex(/^[A-Za-z]\w*$/, "an API name such as Call_Key__c")
  .default("Call_Key__c");

/** An org that was connected by OAuth: its grant says where it is. */
export const installedSettings = z.strictObject({ type: z.literal("salesforce"), apiVersion, keyField });

/** How an installation signs in, and where. One of: `accessToken`, `clientSecret`, or `privateKey` with `username`. */
export const settings = z
  .strictObject({
    type: z.literal("salesforce"),
    apiUrl: originUrl("https://example.my.salesforce.com").optional(),
    loginUrl: originUrl("https://example.my.salesforce.com").optional(),
    accessToken: text("an access token, or leave it out and sign in with clientId").optional(),
    clientId: text("the consumer key of the external client app").optional(),
    clientSecret: text("the consumer secret of the external client app").optional(),
    privateKey: text("the private key in PEM form: -----BEGIN PRIVATE KEY-----")
      .refine(isPrivateKey, "not a private RSA key in PEM form: -----BEGIN PRIVATE KEY-----")
      .optional(),
    username: text("the username of the integration user, like an e-mail address").optional(),
    apiVersion,
    keyField,
  })
  .superRefine((given, context) => {
    const { accessToken, clientId, clientSecret, privateKey, username, apiUrl, loginUrl } = given;
    const fault = (path: string, message: string) =>
      context.addIssue({ code: "custom", path: [path], message });
    const ways = [accessToken, clientSecret, privateKey].filter((way) => way !== undefined);
    if (ways.length === 0)
      fault(
        "clientId",
        "say how to sign in: clientId with clientSecret, clientId with privateKey and username, or accessToken",
      );
    if (ways.length > 1)
      fault("clientId", "say one way to sign in, not several: clientSecret, privateKey or accessToken");
    if (accessToken !== undefined && apiUrl === undefined)
      fault("apiUrl", "needed with accessToken: https://<name>.my.salesforce.com");
    if ((clientSecret ?? privateKey) !== undefined && clientId === undefined)
      fault(
        "clientId",
        "needed with clientSecret and with privateKey: the consumer key of the external client app",
      );
    if (clientSecret !== undefined && loginUrl === undefined)
      fault("loginUrl", "needed with clientSecret: the org's My Domain, https://<name>.my.salesforce.com");
    if (privateKey !== undefined && username === undefined)
      fault("username", "needed with privateKey: the username of the integration user");
  });

export type SalesforceSettings = z.infer<typeof settings>;

const trimmed = (what: string) => z.string({ error: what }).trim().min(1, what);

/** Our external client app at Salesforce. */
export const app = z.strictObject({
  clientId: trimmed("the consumer key of the external client app"),
  clientSecret: trimmed("the consumer secret of the external client app"),
  loginUrl: originUrl("https://login.salesforce.com").default("https://login.salesforce.com"),
  apiVersion,
});

export type SalesforceApp = z.infer<typeof app>;

function isOrigin(text: string): boolean {
  const { pathname, search, hash, username } = new URL(text);
  return pathname === "/" && search === "" && hash === "" && username === "";
}

function isPrivateKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyType === "rsa";
  } catch {
    return false;
  }
}
