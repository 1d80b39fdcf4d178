import type { Departures, OAuth, OAuthContext } from "../../src/core/crm-app.ts";
import { type JsonObject, objectsAt, textAt } from "../../src/lib/body.ts";
import { isSuccess } from "../../src/lib/http.ts";
import type { OAuthReply } from "../../src/lib/oauth-client.ts";
import { type AppTokens, apiFailureOf, keyOf, send, unusable } from "./oauth.ts";
import type { HubspotApp } from "./settings.ts";

const what = "HubSpot, reading the journal of uninstalls";
const eventType = "4-1916193";
const subscription = { subscriptionType: "APP_LIFECYCLE_EVENT", eventTypeId: eventType, properties: [] };
/** unverified: which of these an offset gets that is older than the journal, about three days. */
const unknownOffset: ReadonlySet<number> = new Set([400, 404, 410]);

/** Reads one file of the app's journal. Uninstalls are reported only there, not by webhooks. */
export function createJournal(tokens: AppTokens): Required<OAuth<HubspotApp>>["uninstalls"] {
  const subscribed = new Set<string>();

  const sendAsApp = async (
    app: HubspotApp,
    context: OAuthContext,
    { path, json }: { path: string; json?: object },
  ): Promise<OAuthReply> => {
    const bearer = await tokens.current(app, what, context);
    const url = `${app.apiUrl}/webhooks-journal/${path}`;
    const request = { url, bearer, ...(json && ({ method: "POST", json } as const)) };
    const answer = await send(request, what, context);
    if (answer.status !== 401) return answer;
    tokens.drop(app);
    throw apiFailureOf(answer, what, [bearer]);
  };

  /** unverified: how a second subscription to the same event is refused, if it is. */
  const subscribe = async (app: HubspotApp, context: OAuthContext): Promise<void> => {
    const path = `subscriptions/${app.apiVersion}`;
    const answer = await sendAsApp(app, context, { path, json: subscription });
    const isThere =
      answer.status === 409 ||
      (answer.status === 400 && /already|exists|duplicate/i.test(textAt(answer.body, "message") ?? ""));
    if (!isThere && !isSuccess(answer)) throw apiFailureOf(answer, what, []);
    subscribed.add(keyOf(app));
  };

  return async (app, cursor, context): Promise<Departures> => {
    if (!subscribed.has(keyOf(app))) await subscribe(app, context);
    const read = (place: string) => sendAsApp(app, context, { path: `journal/${app.apiVersion}/${place}` });
    let entry = await read(cursor === undefined ? "earliest" : `offset/${encodeURIComponent(cursor)}/next`);
    if (cursor !== undefined && unknownOffset.has(entry.status)) entry = await read("earliest");
    if (entry.status === 204) return { accounts: [], ...(cursor !== undefined && { cursor }), more: false };
    if (!isSuccess(entry)) throw apiFailureOf(entry, what, []);

    const offset = textAt(entry.body, "currentOffset");
    const url = textAt(entry.body, "url");
    if (!offset || !url || !isSafe(app, url)) throw unusable(what);
    const file = await send({ url }, what, context);
    // The link expires soon: the next read gets a new one.
    if (file.status !== 200 || !Array.isArray(file.body["journalEvents"])) throw unusable(what);
    return { accounts: leftIn(file.body), cursor: offset, more: offset !== cursor };
  };
}

/** An event without a time is left out: the app may have been installed again since. */
function leftIn(file: JsonObject): Departures["accounts"] {
  return objectsAt(file, "journalEvents").flatMap((event) => {
    const isLeaving = event["action"] === "APP_UNINSTALL" || event["eventTypeId"] === eventType;
    const id = textAt(event, "portalId");
    const at = timeOf(textAt(event, "occurredAt") ?? textAt(file, "publishedAt") ?? "");
    return isLeaving && id && Number.isFinite(at) ? [{ id, at }] : [];
  });
}

/** ISO; unverified, so milliseconds are accepted. */
function timeOf(text: string): number {
  return /^\d{13}$/.test(text) ? Number(text) : Date.parse(text);
}

/** The link leads to a file store of HubSpot's choice. */
function isSafe({ apiUrl }: HubspotApp, link: string): boolean {
  if (!URL.canParse(link)) return false;
  const { protocol, origin } = new URL(link);
  return protocol === "https:" || origin === new URL(apiUrl).origin;
}
