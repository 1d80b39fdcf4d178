import { createHash } from "node:crypto";
import type { Contact, ContactRef } from "../../src/core/contact.ts";
import type { ContactChanges } from "../../src/core/crm.ts";
import { isObject } from "../../src/lib/body.ts";
import type { HubspotWork } from "./account.ts";
import { type CallerShape, callerProperties, contactOf, mergedInto } from "./people.ts";
import { readRecords } from "./read.ts";
import { nextOf, type Stored, storedIn } from "./rows.ts";
import { search } from "./search.ts";

/** Where a sync stands. Each step reads one type of caller after another. Times are ms. */
type SyncCursor = {
  /**
   * `list`: all callers are listed. `changes`: those changed in a window of time are searched by id, so that no window
   * is too large. `archived`: deleted ones are listed.
   */
  step: "list" | "changes" | "archived";
  /** The type of caller that is read. */
  of: CallerShape["type"];
  /** A digest of the properties in the index. */
  fields: string;
  fullAt: number;
  since: number;
  until: number;
  archivedAt: number;
  /** Of `list` and `archived`: HubSpot's cursor. */
  after?: string;
  /** Of `changes`: the last id that was read. */
  last?: string;
};

const pageSize = 100;
const searchPageSize = 200;
/** The search lags, and clocks differ: each window begins this long before the last one ended. */
const overlapMs = 3 * 60_000;
/** No search finds deleted contacts, so all of them are listed, at most this often. */
const archivedEveryMs = 3_600_000;
/** A complete listing finds what no change showed, such as an unseen merge. */
const fullEveryMs = 7 * 86_400_000;

type SyncPage = Omit<ContactChanges, "cursor"> & { next: SyncCursor };

type PageOptions = {
  work: HubspotWork;
  shape: CallerShape;
  /** The type of caller after this one in the same step. */
  next: CallerShape["type"] | undefined;
  first: CallerShape["type"];
  /** The contact fields that the mapping uses. */
  mapped: readonly string[];
};

/**
 * One page of changes; the first time, and once a week, one page of all contacts and companies. The last results of
 * one type of caller and the first of the next share a page. Throws `CrmError`.
 */
export async function changedContacts(work: HubspotWork, text: string | undefined): Promise<ContactChanges> {
  const { callers, context } = work;
  const now = context.now();
  const mapped = context.contactFields();
  const shapes = await callers.shapes(work.signal);
  const [{ type: first }] = shapes as [CallerShape];
  const fields = fieldsMark(shapes.flatMap((shape) => callerProperties(shape, mapped)));
  const before = readCursor(text);
  const old = before && before.step !== "list" && now - before.fullAt > fullEveryMs;
  const starts = !before || old || before.fields !== fields;
  const cursor: SyncCursor = starts
    ? { step: "list", of: first, fields, fullAt: now, since: now - overlapMs, until: now, archivedAt: now }
    : before;
  const all: SyncPage = { contacts: [], removed: [], next: cursor, more: true };
  for (const [at, shape] of shapes.entries()) {
    if (shape.type !== all.next.of || all.next.step !== cursor.step) continue;
    const next = shapes[at + 1]?.type;
    const read = steps[cursor.step];
    const one = await read({ work, shape, next, first, mapped }, all.next);
    all.contacts.push(...one.contacts);
    all.removed.push(...one.removed);
    Object.assign(all, { next: one.next, more: one.more });
  }
  const { next, ...page } = all;
  return { ...page, cursor: JSON.stringify(next), ...(starts && { full: true }) };
}

const steps = { list: listed, changes: changed, archived };

async function listed(reading: PageOptions, cursor: SyncCursor): Promise<SyncPage> {
  const { work, shape, mapped } = reading;
  const body: unknown = await work.send((client) =>
    client.crm.objects.basicApi.getPage(shape.type, pageSize, cursor.after, callerProperties(shape, mapped)),
  );
  const after = nextOf(body);
  const { after: _, ...done } = cursor;
  const stored = storedIn(body).map((one) => one.stored);
  if (after !== undefined) return page(reading, stored, { ...cursor, after }, true);
  if (reading.next) return page(reading, stored, { ...done, of: reading.next }, true);
  const until = work.context.now();
  return page(reading, stored, { ...done, step: "changes", of: reading.first, until }, true);
}

async function changed(reading: PageOptions, given: SyncCursor): Promise<SyncPage> {
  const { work, shape, mapped } = reading;
  const now = work.context.now();
  const begins = given.last === undefined && given.of === reading.first;
  const cursor = begins ? { ...given, until: now } : given;
  const filters = [
    { propertyName: shape.changed, operator: "GTE", value: String(cursor.since) },
    { propertyName: shape.changed, operator: "LTE", value: String(cursor.until) },
    ...(cursor.last === undefined
      ? []
      : [{ propertyName: "hs_object_id", operator: "GT", value: cursor.last }]),
  ];
  const body = {
    filterGroups: [{ filters }],
    properties: callerProperties(shape, mapped),
    limit: searchPageSize,
    sorts: ["hs_object_id"],
  };
  const { results } = await search(work, shape.type, body);
  const stored = results.map((one) => one.stored);
  const last = stored.at(-1)?.id;
  if (stored.length === searchPageSize && last !== undefined)
    return page(reading, stored, { ...cursor, last }, true);
  const { last: _, ...done } = cursor;
  if (reading.next) return page(reading, stored, { ...done, of: reading.next }, true);
  const window: SyncCursor = { ...done, of: reading.first, since: cursor.until - overlapMs };
  if (now - cursor.archivedAt < archivedEveryMs) return page(reading, stored, window, false);
  return page(reading, stored, { ...window, step: "archived", archivedAt: now }, true);
}

async function archived(reading: PageOptions, cursor: SyncCursor): Promise<SyncPage> {
  const { work, shape } = reading;
  const body: unknown = await work.send((client) =>
    client.crm.objects.basicApi.getPage(
      shape.type,
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
  const removed = storedIn(body).map(({ stored }): ContactRef => ({ id: stored.id, kind: shape.kind }));
  const next: SyncCursor =
    after !== undefined
      ? { ...cursor, after }
      : reading.next
        ? { ...done, of: reading.next }
        : { ...done, step: "changes", of: reading.first };
  return { contacts: [], removed, next, more: next.step === "archived" };
}

function page(
  { shape, mapped }: PageOptions,
  stored: readonly Stored[],
  next: SyncCursor,
  more: boolean,
): SyncPage {
  return {
    contacts: stored.map((one) => contactOf(shape, one, mapped)),
    removed: stored.flatMap(mergedInto).map((id): ContactRef => ({ id, kind: shape.kind })),
    next,
    more,
  };
}

/** Undefined for the cursor of another version of ours: the sync starts again. */
function readCursor(text: string | undefined): SyncCursor | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) && typeof value["fields"] === "string" && typeof value["since"] === "number"
      ? (value as SyncCursor)
      : undefined;
  } catch {
    return undefined;
  }
}

function fieldsMark(fields: readonly string[]): string {
  return createHash("sha256").update(fields.join("\n")).digest("base64url").slice(0, 12);
}

/** Contacts as they are now. For an id that was merged away HubSpot answers with the survivor: that id counts as gone. */
export async function contactsById(
  work: HubspotWork,
  ids: readonly string[],
): Promise<{ contacts: Contact[]; gone: ContactRef[] }> {
  const mapped = work.context.contactFields();
  const [contacts] = await work.callers.shapes(work.signal);
  if (!contacts) return { contacts: [], gone: [] };
  const shape = { type: "contacts", by: "id", properties: callerProperties(contacts, mapped) } as const;
  const found = await readRecords(work, ids, shape);
  const stored = [...found.values()];
  const gone = [...ids.filter((id) => !found.has(id)), ...stored.flatMap(mergedInto)];
  return {
    contacts: stored.map((one) => contactOf(contacts, one, mapped)),
    gone: [...new Set(gone)].map((id) => ({ id, kind: "contact" })),
  };
}
