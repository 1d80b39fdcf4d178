import type { HubspotApp, HubspotEmulator, HubspotOptions } from "../hubspot/index.ts";
import { startPortal } from "./hubspot-requests.ts";

export const redirectUri = "http://localhost:4000/oauth/callback";
export const required = ["oauth", "crm.objects.contacts.read", "crm.objects.contacts.write"];
export const optional = ["crm.objects.companies.read", "crm.objects.deals.read"];

export const makeApp = (more: Partial<HubspotApp> = {}): HubspotApp => ({
  clientId: "client-1",
  clientSecret: "secret-1",
  appId: 777,
  redirectUris: [redirectUri],
  requiredScopes: [...required],
  optionalScopes: [...optional],
  ...more,
});

/** A portal with an app that nobody has installed, and a clock that stands still until it is moved. */
export async function startWithApp(options: HubspotOptions = {}) {
  const clock = { now: Date.UTC(2026, 10, 20, 10) };
  const portal = await startPortal({ app: makeApp(), now: () => clock.now, ...options });
  return { portal, clock };
}

/** Opens the page of a consent; undefined leaves a parameter out. Redirects are not followed. */
export function authorize(
  portal: HubspotEmulator,
  more: Record<string, string | undefined> = {},
  path = "/oauth/authorize",
): Promise<Response> {
  const given = { client_id: "client-1", redirect_uri: redirectUri, scope: required.join(" "), ...more };
  const query = Object.entries(given)
    .filter(([, value]) => value !== undefined)
    .map(([name, value = ""]) => `${name}=${encodeURIComponent(value)}`)
    .join("&");
  return fetch(`${portal.url}${path}?${query}`, { redirect: "manual" });
}

/** The query that the app's callback gets. */
export function calledBack(response: Response): Record<string, string> {
  const url = new URL(response.headers.get("location") ?? "about:blank");
  return { to: url.origin + url.pathname, ...Object.fromEntries(url.searchParams) };
}

export async function codeOf(portal: HubspotEmulator, more: Record<string, string> = {}): Promise<string> {
  return calledBack(await authorize(portal, { _accept: "1", ...more }))["code"] ?? "";
}

/** Posts a form to `/oauth/2026-03/token` or below it; undefined leaves a field out. */
export async function post(
  portal: HubspotEmulator,
  fields: Record<string, string | undefined>,
  below = "",
  version = "2026-03",
) {
  const given = { client_id: "client-1", client_secret: "secret-1", ...fields };
  const form = Object.entries(given).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as [string, string]],
  );
  const response = await fetch(`${portal.url}/oauth/${version}/token${below}`, {
    method: "POST",
    body: new URLSearchParams(form),
  });
  const text = await response.text();
  return { status: response.status, body: (text ? JSON.parse(text) : {}) as Record<string, unknown> };
}

export const exchange = (
  portal: HubspotEmulator,
  code: string,
  more: Record<string, string | undefined> = {},
) => post(portal, { grant_type: "authorization_code", code, redirect_uri: redirectUri, ...more });

export const refresh = (portal: HubspotEmulator, refreshToken: string) =>
  post(portal, { grant_type: "refresh_token", refresh_token: refreshToken });

/** The app's own token, for its journal. */
export async function appToken(portal: HubspotEmulator): Promise<string> {
  const scopes = ["read", "subscriptions.read", "subscriptions.write"];
  const scope = scopes.map((one) => `developer.webhooks_journal.${one}`).join(" ");
  const { body } = await post(portal, { grant_type: "client_credentials", scope });
  return String(body["access_token"]);
}
