import type { CrmRecordings, RegisterContext } from "../../src/core/crm-recordings.ts";
import { CrmError, Rejected } from "../../src/core/errors.ts";
import { GrantError, type OAuthContext } from "../../src/core/oauth.ts";
import { textAt } from "../../src/lib/body.ts";
import { namesThisMachine } from "../../src/lib/outbound.ts";
import { appToken, dropAppToken } from "./app-token.ts";
import type { HubspotApp } from "./oauth-app.ts";
import { apiFailureOf } from "./oauth-failure.ts";
import { ask, isSuccess, type OAuthReply } from "./oauth-request.ts";
import { webhook } from "./webhook.ts";

/** Where HubSpot's player asks for the recordings that an app keeps. */
export const recordings: CrmRecordings<HubspotApp> = { register, verify, read, reply };

const what = "HubSpot, telling it where recordings are";
const field = "urlToRetrieveAuthedRecording";
/** If so many accounts may not set it, no other may. */
const mostAccounts = 3;

/** A token to ask with, and what to do when it is refused. */
type Credential = { bearer: string; refused(): void };

/**
 * Not verified: whose token HubSpot takes for this setting of an app; its client still asks with a developer's key. The
 * app's own is tried first, then those of accounts.
 */
async function register(app: HubspotApp, address: string, context: RegisterContext): Promise<void> {
  if (app.appId === undefined || !canBeAsked(address, app)) return;
  const refusals: unknown[] = [];
  for (const credential of credentials(app, context)) {
    try {
      const { bearer, refused } = await credential();
      const answer = await tell(app, `${address}/%s`, bearer, context);
      if (isSuccess(answer)) return;
      if (answer.status === 401) refused();
      const refusal = apiFailureOf(answer, what, [bearer, address]);
      if (answer.status !== 401 && isPassing(refusal)) throw refusal;
      refusals.push(refusal);
    } catch (error) {
      // What one may not, and an account that is not connected any more, leave it to the next.
      if (isPassing(error) || !(error instanceof GrantError || error instanceof CrmError)) throw error;
      refusals.push(error);
    }
  }
  throw refusals.find(isPassing) ?? refusals.at(-1);
}

function credentials(
  app: HubspotApp,
  { accounts, ...context }: RegisterContext,
): (() => Promise<Credential>)[] {
  const ofAccounts = accounts.slice(0, mostAccounts).map((tokens) => async () => {
    const token = await tokens.current();
    return { bearer: token.accessToken, refused: () => tokens.refused(token) };
  });
  const own = async () => ({
    bearer: await appToken(app, what, context),
    refused: () => dropAppToken(app),
  });
  return [own, ...ofAccounts];
}

/** The answer that decides: what is there already, or what HubSpot says to the new address. */
async function tell(
  app: HubspotApp,
  wanted: string,
  bearer: string,
  context: OAuthContext,
): Promise<OAuthReply> {
  const url = `${app.apiUrl}/crm/extensions/calling/${app.apiVersion}/${app.appId}/settings/recording`;
  const found = await ask({ what, method: "GET", url, bearer }, context);
  const isThere = isSuccess(found);
  if (!isThere && found.status !== 404) return found;
  if (textAt(found.body, field) === wanted) return found;
  const json = { [field]: wanted };
  return ask({ what, method: isThere ? "PATCH" : "POST", url, json, bearer }, context);
}

/** HubSpot reaches public addresses only; an emulator reaches this machine. */
function canBeAsked(address: string, { apiUrl }: HubspotApp): boolean {
  const { protocol, hostname } = new URL(address);
  return (protocol === "https:" && !isHere(hostname)) || isHere(new URL(apiUrl).hostname);
}

function isHere(hostname: string): boolean {
  return namesThisMachine(hostname.replace(/^\[|\]$/g, ""));
}

function isPassing(error: unknown): boolean {
  return error instanceof GrantError && error.failure === "later";
}

/** Not verified: whether HubSpot signs this. */
function verify(app: HubspotApp, head: Parameters<typeof recordings.verify>[1], now: number): void {
  if (head.headers["x-hubspot-signature-v3"] === undefined) return;
  const checkBody = webhook.verify(app, head, now);
  checkBody(new Uint8Array());
}

function read({ appId }: HubspotApp, query: URLSearchParams): { installation: string } {
  const installation = query.get("externalAccountId");
  if (!installation || !query.has("appId"))
    throw new Rejected(400, "HubSpot names the app and the account it asks for: appId, externalAccountId");
  if (query.get("appId") !== String(appId))
    throw new Rejected(404, "this is about a recording of another app: check apps.hubspot.appId");
  return { installation };
}

function reply(url: string): unknown {
  return { authenticatedUrl: url };
}
