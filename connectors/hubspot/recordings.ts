import {
  type CrmRecordings,
  type CrmRequestHead,
  GrantError,
  type OAuthContext,
  type RegisterContext,
} from "../../src/core/crm-app.ts";
import { CrmError, Rejected } from "../../src/core/errors.ts";
import { textAt } from "../../src/lib/body.ts";
import { isSuccess } from "../../src/lib/http.ts";
import type { OAuthReply } from "../../src/lib/oauth-client.ts";
import { namesThisMachine } from "../../src/lib/outbound.ts";
import { type AppTokens, apiFailureOf, send } from "./oauth.ts";
import type { HubspotApp } from "./settings.ts";
import { webhook } from "./webhook.ts";

/** How HubSpot's player requests recordings from our app. */
export function createRecordings(tokens: AppTokens): CrmRecordings<HubspotApp> {
  return { register: (...given) => register(tokens, ...given), verify, read, reply };
}

const what = "HubSpot, telling it where recordings are";
const field = "urlToRetrieveAuthedRecording";
/** When this many accounts are refused, the others are not tried. */
const mostAccounts = 3;

type Credential = {
  bearer: string;
  /** HubSpot refused the token. */
  refused(): void;
};

/**
 * Unverified: whose token HubSpot takes for this setting of an app; its client still sends a developer's key. The app's
 * own token is tried first, then those of accounts.
 */
async function register(
  tokens: AppTokens,
  app: HubspotApp,
  address: string,
  context: RegisterContext,
): Promise<void> {
  if (app.appId === undefined || !isReachable(address, app)) return;
  const refusals: unknown[] = [];
  for (const credential of credentials(tokens, app, context)) {
    try {
      const { bearer, refused } = await credential();
      const answer = await setAddress(app, `${address}/%s`, bearer, context);
      if (isSuccess(answer)) return;
      if (answer.status === 401) refused();
      const refusal = apiFailureOf(answer, what, [bearer, address]);
      if (answer.status !== 401 && isPassing(refusal)) throw refusal;
      refusals.push(refusal);
    } catch (error) {
      // The next credential may be allowed, or belong to an account that is still connected.
      if (isPassing(error) || !(error instanceof GrantError || error instanceof CrmError)) throw error;
      refusals.push(error);
    }
  }
  throw refusals.find(isPassing) ?? refusals.at(-1);
}

function credentials(
  tokens: AppTokens,
  app: HubspotApp,
  { accounts, ...context }: RegisterContext,
): (() => Promise<Credential>)[] {
  const ofAccounts = accounts.slice(0, mostAccounts).map((account) => async () => {
    const token = await account.current();
    return { bearer: token.accessToken, refused: () => account.refused(token) };
  });
  const own = async () => ({
    bearer: await tokens.current(app, what, context),
    refused: () => tokens.drop(app),
  });
  return [own, ...ofAccounts];
}

/** The answer with the address that is set already, or else the answer to setting it. */
async function setAddress(
  app: HubspotApp,
  wanted: string,
  bearer: string,
  context: OAuthContext,
): Promise<OAuthReply> {
  const url = `${app.apiUrl}/crm/extensions/calling/${app.apiVersion}/${app.appId}/settings/recording`;
  const found = await send({ url, bearer }, what, context);
  const isThere = isSuccess(found);
  if (!isThere && found.status !== 404) return found;
  if (textAt(found.body, field) === wanted) return found;
  const json = { [field]: wanted };
  return send({ method: isThere ? "PATCH" : "POST", url, json, bearer }, what, context);
}

/** HubSpot reaches only public addresses; an emulator also reaches this machine. */
function isReachable(address: string, { apiUrl }: HubspotApp): boolean {
  const { protocol, hostname } = new URL(address);
  return (protocol === "https:" && !isHere(hostname)) || isHere(new URL(apiUrl).hostname);
}

function isHere(hostname: string): boolean {
  return namesThisMachine(hostname.replace(/^\[|\]$/g, ""));
}

function isPassing(error: unknown): boolean {
  return error instanceof GrantError && error.failure === "later";
}

/** Unverified: whether HubSpot signs this. */
function verify(app: HubspotApp, head: CrmRequestHead, now: number): void {
  if (head.headers["x-hubspot-signature-v3"] === undefined) return;
  const checkBody = webhook.verify(app, head, now);
  checkBody(new Uint8Array());
}

function read({ appId }: HubspotApp, query: URLSearchParams): { installation: string } {
  const installation = query.get("externalAccountId");
  if (!installation || !query.has("appId"))
    throw new Rejected(400, "HubSpot names the app and the account: appId, externalAccountId");
  if (query.get("appId") !== String(appId))
    throw new Rejected(404, "this is about a recording of another app: check apps.hubspot.appId");
  return { installation };
}

function reply(url: string): unknown {
  return { authenticatedUrl: url };
}
