import type { Departures, OAuthContext } from "../../src/core/oauth.ts";
import { type JsonObject, objectsAt, textAt } from "../../src/lib/body.ts";
import { appToken, dropAppToken } from "./app-token.ts";
import type { HubspotApp } from "./oauth-app.ts";
import { apiFailureOf, unusable } from "./oauth-failure.ts";
import { ask, isSuccess, type OAuthReply } from "./oauth-request.ts";

const what = "HubSpot, reading the journal of uninstalls";
const eventType = "4-1916193";
const subscription = { subscriptionType: "APP_LIFECYCLE_EVENT", eventTypeId: eventType, properties: [] };
/** unverified: which of these an offset gets that is older than the journal, about three days. */
const unknownOffset: ReadonlySet<number> = new Set([400, 404, 410]);

const subscribed = new WeakSet<HubspotApp>();

/** Reads one file of the app's journal: HubSpot tells uninstalls nowhere else, and to webhooks not at all. */
export async function uninstalls(
  app: HubspotApp,
  cursor: string | undefined,
  context: OAuthContext,
): Promise<Departures> {
  if (!subscribed.has(app)) await subscribe(app, context);

  const read = (place: string) =>
    askApp(app, context, { method: "GET", path: `journal/${app.apiVersion}/${place}` });
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
async function subscribe(app: HubspotApp, context: OAuthContext): Promise<void> {
  const path = `subscriptions/${app.apiVersion}`;
  const answer = await askApp(app, context, { method: "POST", path, json: subscription });
  const isThere =
    answer.status === 409 ||
    (answer.status === 400 && /already|exists|duplicate/i.test(textAt(answer.body, "message") ?? ""));
  if (!isThere && !isSuccess(answer)) throw apiFailureOf(answer, what, []);
  subscribed.add(app);
}

async function askApp(
  app: HubspotApp,
  context: OAuthContext,
  { method, path, json }: { method: "GET" | "POST"; path: string; json?: object },
): Promise<OAuthReply> {
  const bearer = await appToken(app, what, context);
  const url = `${app.apiUrl}/webhooks-journal/${path}`;
  const answer = await ask({ what, method, url, bearer, ...(json && { json }) }, context);
  if (answer.status !== 401) return answer;
  dropAppToken(app);
  throw apiFailureOf(answer, what, [bearer]);
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
