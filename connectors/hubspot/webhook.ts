import type { ContactRef } from "../../src/core/contact.ts";
import type {
  ContactEvents,
  CrmRequestHead,
  CrmWebhook,
  Departures,
  OAuth,
  OAuthContext,
} from "../../src/core/crm-app.ts";
import { Rejected } from "../../src/core/errors.ts";
import type { BodyCheck } from "../../src/core/provider.ts";
import { isObject, type JsonObject, objectsAt, parseBody, textAt } from "../../src/lib/body.ts";
import { isSuccess } from "../../src/lib/http.ts";
import type { OAuthReply } from "../../src/lib/oauth-client.ts";
import { hmacSha256, sameSecret } from "../../src/lib/secrets.ts";
import { type AppTokens, apiFailureOf, keyOf, send, unusable } from "./oauth.ts";
import type { HubspotApp } from "./settings.ts";

const windowMs = 5 * 60_000;
/** What HubSpot decodes in a URL before it signs it; everything else is signed as it was sent. */
const decodedInUrl = /%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)/gi;
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** HubSpot's webhooks, signed with version 3 of its signatures. They arrive in any order, at least once. */
export const webhook: CrmWebhook<HubspotApp> = { verify, read };

function verify(
  { clientSecret }: HubspotApp,
  { method, url, headers }: CrmRequestHead,
  now: number,
): BodyCheck {
  const signature = headers["x-hubspot-signature-v3"];
  const timestamp = headers["x-hubspot-request-timestamp"];
  if (typeof signature !== "string" || typeof timestamp !== "string")
    throw new Rejected(401, "HubSpot's signature is missing: X-HubSpot-Signature-v3 and its timestamp");
  if (!(/^\d{1,15}$/.test(timestamp) && Math.abs(now - Number(timestamp)) <= windowMs))
    throw new Rejected(401, "HubSpot's request is not of these minutes: check the clock of this machine");
  const uri = url.replace(decodedInUrl, (escaped) => decodeURIComponent(escaped));
  return (body) => {
    const expected = hmacSha256(clientSecret, `${method}${uri}`, body, timestamp).toString("base64");
    if (sameSecret(signature, expected)) return;
    throw new Rejected(
      401,
      "HubSpot's signature is wrong: check the client secret of the app, and publicUrl, which is signed",
    );
  };
}

type Lists = { changed: Set<string>; removed: Set<string>; erased: Set<string> };

function read(body: Uint8Array): ContactEvents[] {
  const accounts = new Map<string, Lists>();
  for (const event of eventsIn(body)) {
    const account = textAt(event, "portalId");
    if (account === undefined) continue;
    const lists = accounts.get(account) ?? { changed: new Set(), removed: new Set(), erased: new Set() };
    accounts.set(account, lists);
    sort(event, lists);
  }
  return [...accounts].map(([account, { changed, removed, erased }]) => ({
    account,
    changed: [...changed],
    removed: refs(removed),
    erased: refs(erased),
  }));
}

/** The current names, and those of older subscriptions, which begin with the type of the object. */
function sort(event: JsonObject, { changed, removed, erased }: Lists): void {
  const type = textAt(event, "objectTypeId");
  const [object, what] = (textAt(event, "subscriptionType") ?? "").split(".");
  if (object !== "object" && object !== "contact") return;
  // unverified: `objectTypeId`, 0-1 of contacts; an event without it is read as one about a contact.
  if (type !== undefined && type !== "0-1") return;
  const ids = idsIn(event, "objectId");
  const merged = idsIn(event, "mergedObjectIds");
  // unverified: the survivor of a merge may have a new id.
  const survivors = [...idsIn(event, "primaryObjectId"), ...idsIn(event, "newObjectId")];
  const add = (to: Set<string>, from: Iterable<string>) => {
    for (const id of from) to.add(id);
  };
  if (what === "creation" || what === "propertyChange" || what === "restore") add(changed, ids);
  if (what === "deletion") add(removed, ids);
  if (what === "privacyDeletion") add(erased, ids);
  if (what !== "merge") return;
  const stay = new Set(survivors);
  const left = new Set(merged.filter((id) => !stay.has(id)));
  add(removed, left);
  add(
    changed,
    [...ids, ...survivors].filter((id) => !left.has(id)),
  );
}

/** Ids as numbers or texts, alone or in a list. */
function idsIn(event: JsonObject, name: string): string[] {
  const value = event[name];
  const ids = (Array.isArray(value) ? value : [value]).map((id) => textAt({ id }, "id") ?? "");
  return ids.filter((id) => /^\d{1,20}$/.test(id));
}

function refs(ids: ReadonlySet<string>): ContactRef[] {
  return [...ids].map((id) => ({ id, kind: "contact" }));
}

function eventsIn(body: Uint8Array): JsonObject[] {
  const value = parseBody(textOf(body));
  if (!Array.isArray(value)) throw new Rejected(400, "the body is JSON, but not a list of events");
  return value.filter(isObject);
}

function textOf(body: Uint8Array): string {
  try {
    return utf8.decode(body);
  } catch (cause) {
    throw new Rejected(400, "the body is not UTF-8 text", { cause });
  }
}

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
