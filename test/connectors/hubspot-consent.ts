import { type HubspotEmulator, type HubspotOptions, startHubspot } from "@switchhook/emulators/hubspot";
import { onTestFinished } from "vitest";
import { createAppTokens, oauth } from "../../connectors/hubspot/oauth.ts";
import { createJournal } from "../../connectors/hubspot/webhook.ts";
import type { CrmRequest, Grant } from "../../src/core/crm-app.ts";
import { challenge, secrets, verifier } from "./consent.ts";

export const redirectUri = "http://localhost:8080/install/hubspot/callback";
export const scopes = ["oauth", "crm.objects.contacts.read", "crm.objects.contacts.write"];
const optionalScopes = ["crm.schemas.contacts.write", "crm.objects.companies.read"];
export const consent = { redirectUri, state: "a state", challenge, scopes, optionalScopes };

/** An emulated account with an app that nobody has installed, and a clock that stands still. */
export async function start(options: HubspotOptions = {}) {
  let now = Date.UTC(2026, 10, 20, 10);
  const app = { ...secrets, appId: 777, redirectUris: [redirectUri] };
  const crm = await startHubspot({
    app: { ...app, requiredScopes: scopes, optionalScopes },
    now: () => now,
    limits: false,
    ...options,
  });
  onTestFinished(() => crm.stop());
  const noted: CrmRequest[] = [];
  const tokens = createAppTokens();
  return {
    crm,
    noted,
    tokens,
    uninstalls: createJournal(tokens),
    app: appAt(crm),
    context: { now: () => now, onRequest: (request: CrmRequest) => void noted.push(request) },
    passes(ms: number) {
      now += ms;
    },
  };
}

export type Started = Awaited<ReturnType<typeof start>>;

export const appAt = (crm: HubspotEmulator, more = {}) =>
  oauth.app.parse({ ...secrets, apiUrl: crm.url, authorizeUrl: `${crm.url}/oauth/authorize`, ...more });

/** What an administrator's browser brings back. */
export async function agree({ app }: Started, more = "", where?: string): Promise<URLSearchParams> {
  const url = oauth.consentUrl(app, { ...consent, ...(where && { where }) });
  const response = await fetch(`${url}&_accept=1${more}`, { redirect: "manual" });
  return new URL(response.headers.get("location") ?? "about:blank").searchParams;
}

export async function install(started: Started, more = ""): Promise<Grant> {
  const code = (await agree(started, more)).get("code") ?? "";
  return oauth.exchange(started.app, { code, redirectUri, verifier }, started.context);
}

export const kinds = ({ crm }: Started) => crm.requests.map(({ kind }) => kind);
