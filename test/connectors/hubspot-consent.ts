import { createHash } from "node:crypto";
import { inspect } from "node:util";
import { type HubspotEmulator, type HubspotOptions, startHubspot } from "@switchhook/emulators/hubspot";
import { expect, onTestFinished } from "vitest";
import { createJournal } from "../../connectors/hubspot/journal.ts";
import { createAppTokens, oauth } from "../../connectors/hubspot/oauth.ts";
import { type CrmRequest, type Grant, GrantError } from "../../src/core/crm-app.ts";

export const redirectUri = "http://localhost:8080/install/hubspot/callback";
export const scopes = ["oauth", "crm.objects.contacts.read", "crm.objects.contacts.write"];
const optionalScopes = ["crm.schemas.contacts.write", "crm.objects.companies.read"];
export const verifier = "a-verifier-that-is-as-long-as-verifiers-have-to-be";
const challenge = createHash("sha256").update(verifier).digest("base64url");
export const consent = { redirectUri, state: "a state", challenge, scopes, optionalScopes };
export const secrets = { clientId: "client-1", clientSecret: "secret-of-the-app" };

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

/** What it fails with: a `GrantError` that gives nothing away. */
export async function failureOf(work: Promise<unknown>, ...hidden: string[]): Promise<GrantError> {
  const error = await work.catch((thrown: unknown) => thrown);
  if (!(error instanceof GrantError)) throw new Error(`it was no GrantError: ${inspect(error)}`);
  for (const secret of [secrets.clientSecret, verifier, ...hidden])
    expect(inspect(error, { depth: 20 })).not.toContain(secret);
  return error;
}

export const kinds = ({ crm }: Started) => crm.requests.map(({ kind }) => kind);
