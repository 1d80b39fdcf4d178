import type { Departures, OAuthContext, Token } from "../../src/core/oauth.ts";
import { type JsonObject, objectsAt, textAt } from "../../src/lib/body.ts";
import type { HubspotApp } from "./oauth-app.ts";
import { apiFailureOf, unusable } from "./oauth-failure.ts";
import { type Answer, ask, isSuccess } from "./oauth-request.ts";
import { expiryIn, mustSay, tokenAt } from "./oauth-token.ts";

/** What the app itself has, without any account, until the process ends. */
type Access = { token?: Token; isSubscribed?: true };

/** A token is replaced this long before it expires. */
const aheadMs = 60_000;
const what = "HubSpot, reading the journal of uninstalls";
const scope = ["read", "subscriptions.read", "subscriptions.write"]
  .map((right) => `developer.webhooks_journal.${right}`)
  .join(" ");
const eventType = "4-1916193";
const subscription = { subscriptionType: "APP_LIFECYCLE_EVENT", eventTypeId: eventType, properties: [] };
/** unverified: which of these an offset gets that is older than the journal, about three days. */
const unknownOffset: ReadonlySet<number> = new Set([400, 404, 410]);

const accesses = new WeakMap<HubspotApp, Access>();

/** Reads one file of the app's journal: HubSpot tells uninstalls nowhere else, and to webhooks not at all. */
export async function uninstalls(
  app: HubspotApp,
  cursor: string | undefined,
  context: OAuthContext,
): Promise<Departures> {
  const access = accesses.get(app) ?? {};
  accesses.set(app, access);
  if (!access.isSubscribed) await subscribe(app, access, context);

  const read = (place: string) => askApp(app, access, context, "GET", `journal/${app.apiVersion}/${place}`);
  let entry = await read(cursor === undefined ? "earliest" : `offset/${encodeURIComponent(cursor)}/next`);
  if (cursor !== undefined && unknownOffset.has(entry.status)) entry = await read("earliest");
  if (entry.status === 204) return { accounts: [], ...(cursor !== undefined && { cursor }), more: false };
  if (!isSuccess(entry)) throw apiFailureOf(entry, what, []);

  const offset = textAt(entry.body, "currentOffset");
  const url = textAt(entry.body, "url");
  if (!offset || !url || !isSafe(app, url)) throw unusable(what);
  const file = await ask({ what, method: "GET", url }, context);
  // The link is good for a while only: the next look gets a new one.
  if (file.status !== 200 || !Array.isArray(file.body["journalEvents"])) throw unusable(what);
  return { accounts: leftIn(file.body), cursor: offset, more: offset !== cursor };
}

/** unverified: how a second subscription to the same event is refused, if it is. */
async function subscribe(app: HubspotApp, access: Access, context: OAuthContext): Promise<void> {
  const path = `subscriptions/${app.apiVersion}`;
  const answer = await askApp(app, access, context, "POST", path, subscription);
  const isThere =
    answer.status === 409 ||
    (answer.status === 400 && /already|exists|duplicate/i.test(textAt(answer.body, "message") ?? ""));
  if (!isThere && !isSuccess(answer)) throw apiFailureOf(answer, what, []);
  access.isSubscribed = true;
}

async function askApp(
  app: HubspotApp,
  access: Access,
  context: OAuthContext,
  method: "GET" | "POST",
  path: string,
  json?: object,
): Promise<Answer> {
  const token = await tokenFor(app, access, context);
  const url = `${app.apiUrl}/webhooks-journal/${path}`;
  const bearer = token.accessToken;
  const answer = await ask({ what, method, url, bearer, ...(json && { json }) }, context);
  if (answer.status !== 401) return answer;
  delete access.token;
  throw apiFailureOf(answer, what, [bearer]);
}

async function tokenFor(app: HubspotApp, access: Access, context: OAuthContext): Promise<Token> {
  const asked = context.now();
  const { token } = access;
  if (token?.expiresAt !== undefined && token.expiresAt - aheadMs > asked) return token;
  const { body } = await mustSay(app, what, "", { grant_type: "client_credentials", scope }, context);
  const accessToken = tokenAt(body, "access_token");
  if (!accessToken) throw unusable(what);
  access.token = { accessToken, ...expiryIn(body, asked) };
  return access.token;
}

/** An event without a time is left out: nobody could tell whether the app was installed again since. */
function leftIn(file: JsonObject): Departures["accounts"] {
  return objectsAt(file, "journalEvents").flatMap((event) => {
    const isLeaving = event["action"] === "APP_UNINSTALL" || event["eventTypeId"] === eventType;
    const id = textAt(event, "portalId");
    const at = timeOf(textAt(event, "occurredAt") ?? textAt(file, "publishedAt") ?? "");
    return isLeaving && id && Number.isFinite(at) ? [{ id, at }] : [];
  });
}

/** ISO; unverified, so milliseconds will do. */
function timeOf(text: string): number {
  return /^\d{13}$/.test(text) ? Number(text) : Date.parse(text);
}

/** The link leads to a file store of HubSpot's choice. */
function isSafe({ apiUrl }: HubspotApp, link: string): boolean {
  if (!URL.canParse(link)) return false;
  const { protocol, origin } = new URL(link);
  return protocol === "https:" || origin === new URL(apiUrl).origin;
}
