import { createHash } from "node:crypto";
import type { ContactRef } from "../../src/core/contact.ts";
import type { ConnectContext, ContactChanges } from "../../src/core/contracts.ts";
import { isObject, objectAt, textAt } from "../../src/lib/body.ts";
import { type Stored, storedIn } from "./batch.ts";
import { contactOf, contactProperties, mergedInto } from "./contacts.ts";
import { search } from "./search.ts";
import type { Asking, Transport } from "./transport.ts";

type Context = Pick<ConnectContext, "contactFields" | "now">;

/**
 * Where a sync stands. `list`: all contacts are listed. `changes`: those changed in a window of time are searched, by
 * id, so that no window is too large. `archived`: those that were deleted are listed. `fields`: the contact fields
 * that the index was made with. Times are ms.
 */
type Cursor = {
  step: "list" | "changes" | "archived";
  fields: string;
  fullAt: number;
  since: number;
  until: number;
  archivedAt: number;
  /** Of `list` and `archived`: HubSpot's own place. */
  after?: string;
  /** Of `changes`: the last id that was seen. */
  last?: string;
};

const pageSize = 100;
const searchPageSize = 200;
/** The search lags, and clocks differ: each window begins this long before the last one ended. */
const overlapMs = 3 * 60_000;
/** Deleted contacts are told by no search and no time: all of them are listed, so not often. */
const archivedEveryMs = 3_600_000;
/** What no change told us of (a contact merged unseen) is mended by a complete listing. */
const fullEveryMs = 7 * 86_400_000;

const asking = (signal?: AbortSignal): Asking => ({
  what: "HubSpot, reading contacts",
  priority: "sync",
  signal,
});

/** One page of changes; the first time, and once a week, one page of all contacts. Throws `CrmError`. */
export async function changedContacts(
  transport: Transport,
  context: Context,
  text: string | undefined,
  signal?: AbortSignal,
): Promise<ContactChanges> {
  const now = context.now();
  const fields = fieldsMark(context.contactFields());
  const before = readCursor(text);
  const old = before && before.step !== "list" && now - before.fullAt > fullEveryMs;
  const starts = !before || old || before.fields !== fields;
  const cursor: Cursor = starts
    ? { step: "list", fields, fullAt: now, since: now - overlapMs, until: now, archivedAt: now }
    : before;
  if (cursor.step === "list")
    return { ...(await listed(transport, context, cursor, signal)), ...(starts && { full: true }) };
  if (cursor.step === "archived") return archived(transport, cursor, signal);
  return changed(transport, context, cursor, signal);
}

async function listed(
  transport: Transport,
  context: Context,
  cursor: Cursor,
  signal?: AbortSignal,
): Promise<ContactChanges> {
  const asked = context.contactFields();
  const body: unknown = await transport.ask(asking(signal), (client) =>
    client.crm.objects.basicApi.getPage("contacts", pageSize, cursor.after, contactProperties(asked)),
  );
  const after = nextOf(body);
  const { after: _, ...done } = cursor;
  const next: Cursor =
    after === undefined ? { ...done, step: "changes", until: context.now() } : { ...cursor, after };
  return page(
    storedIn(body).map(({ stored }) => stored),
    asked,
    next,
    true,
  );
}

async function changed(
  transport: Transport,
  context: Context,
  given: Cursor,
  signal?: AbortSignal,
): Promise<ContactChanges> {
  const asked = context.contactFields();
  const cursor = given.last === undefined ? { ...given, until: context.now() } : given;
  const filters = [
    { propertyName: "lastmodifieddate", operator: "GTE", value: String(cursor.since) },
    { propertyName: "lastmodifieddate", operator: "LTE", value: String(cursor.until) },
    ...(cursor.last === undefined
      ? []
      : [{ propertyName: "hs_object_id", operator: "GT", value: cursor.last }]),
  ];
  const { results } = await search(
    transport,
    "contacts",
    {
      filterGroups: [{ filters }],
      properties: contactProperties(asked),
      limit: searchPageSize,
      sorts: ["hs_object_id"],
    },
    asking(signal),
  );
  const contacts = results.map(({ stored }) => stored);
  const last = contacts.at(-1)?.id;
  if (contacts.length === searchPageSize && last !== undefined)
    return page(contacts, asked, { ...cursor, last }, true);
  const { last: _, ...done } = cursor;
  const window = { ...done, since: cursor.until - overlapMs };
  const due = context.now() - cursor.archivedAt >= archivedEveryMs;
  return page(
    contacts,
    asked,
    due ? { ...window, step: "archived", archivedAt: context.now() } : window,
    due,
  );
}

async function archived(transport: Transport, cursor: Cursor, signal?: AbortSignal): Promise<ContactChanges> {
  const body: unknown = await transport.ask(asking(signal), (client) =>
    client.crm.objects.basicApi.getPage(
      "contacts",
      pageSize,
      cursor.after,
      ["hs_object_id"],
      undefined,
      undefined,
      true,
    ),
  );
  const after = nextOf(body);
  const { after: _, ...done } = cursor;
  const next: Cursor = after === undefined ? { ...done, step: "changes" } : { ...cursor, after };
  const removed = storedIn(body).map(({ stored }): ContactRef => ({ id: stored.id, kind: "contact" }));
  return { contacts: [], removed, cursor: JSON.stringify(next), more: after !== undefined };
}

function page(
  stored: readonly Stored[],
  asked: readonly string[],
  cursor: Cursor,
  more: boolean,
): ContactChanges {
  return {
    contacts: stored.map((one) => contactOf(one, asked)),
    removed: stored.flatMap(mergedInto).map((id): ContactRef => ({ id, kind: "contact" })),
    cursor: JSON.stringify(cursor),
    more,
  };
}

/** A cursor of another version of ours begins anew. */
function readCursor(text: string | undefined): Cursor | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) && typeof value["fields"] === "string" && typeof value["since"] === "number"
      ? (value as Cursor)
      : undefined;
  } catch {
    return undefined;
  }
}

function fieldsMark(fields: readonly string[]): string {
  return createHash("sha256").update(fields.join("\n")).digest("base64url").slice(0, 12);
}

function nextOf(body: unknown): string | undefined {
  return isObject(body) ? textAt(objectAt(objectAt(body, "paging"), "next"), "after") : undefined;
}
