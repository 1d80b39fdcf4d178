import { type SalesforceOptions, startSalesforce } from "@switchhook/emulators/salesforce";
import { onTestFinished } from "vitest";
import { oauth } from "../../connectors/salesforce/oauth.ts";
import type { CrmRequest, Grant } from "../../src/core/crm-app.ts";
import { challenge, secrets, verifier } from "./consent.ts";

export const redirectUri = "http://localhost:8080/install/salesforce/callback";
export const scopes = ["api", "refresh_token"];
export const consent = { redirectUri, state: "a state", challenge, scopes, optionalScopes: [] };

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
