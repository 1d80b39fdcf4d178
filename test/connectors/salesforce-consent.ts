import { createHash } from "node:crypto";
import { inspect } from "node:util";
import { type SalesforceOptions, startSalesforce } from "@switchhook/emulators/salesforce";
import { expect, onTestFinished } from "vitest";
import { oauth } from "../../connectors/salesforce/oauth.ts";
import { type CrmRequest, type Grant, GrantError } from "../../src/core/crm-app.ts";

export const redirectUri = "http://localhost:8080/install/salesforce/callback";
export const verifier = "a-verifier-that-is-as-long-as-verifiers-have-to-be";
const challenge = createHash("sha256").update(verifier).digest("base64url");
export const scopes = ["api", "refresh_token"];
export const consent = { redirectUri, state: "a state", challenge, scopes, optionalScopes: [] };
export const secrets = { clientId: "client-1", clientSecret: "secret-of-the-app" };

/** An emulated org with an app that nobody has connected. */
export async function start(options: SalesforceOptions = {}) {
  const org = await startSalesforce({ ...secrets, ...options });
  onTestFinished(() => org.stop());
  const noted: CrmRequest[] = [];
  const context = { now: Date.now, onRequest: (request: CrmRequest) => void noted.push(request) };
  return { org, noted, context, app: oauth.app.parse({ ...secrets, loginUrl: org.url }) };
}

export type Started = Awaited<ReturnType<typeof start>>;

/** What an administrator's browser brings back. */
export async function agree({ app }: Started, more = {}): Promise<URLSearchParams> {
  const response = await fetch(oauth.consentUrl(app, { ...consent, ...more }), { redirect: "manual" });
  return new URL(response.headers.get("location") ?? "about:blank").searchParams;
}

export async function install(started: Started): Promise<Grant> {
  const code = (await agree(started)).get("code") ?? "";
  return oauth.exchange(started.app, { code, redirectUri, verifier }, started.context);
}

/** What it fails with: a `GrantError` that gives nothing away. */
export async function failureOf(work: Promise<unknown>, ...hidden: string[]): Promise<GrantError> {
  const error = await work.catch((thrown: unknown) => thrown);
  if (!(error instanceof GrantError)) throw new Error(`it was no GrantError: ${inspect(error)}`);
  for (const secret of [secrets.clientSecret, verifier, ...hidden])
    expect(inspect(error, { depth: 20 })).not.toContain(secret);
  return error;
}
