import { createHash } from "node:crypto";
import type { ContactRef } from "../../src/core/contact.ts";
import type { ConnectContext, ContactChanges } from "../../src/core/contracts.ts";
import { isObject, objectAt, textAt } from "../../src/lib/body.ts";
import { type CallerShape, type Callers, callerProperties, contactOf, mergedInto } from "./people.ts";
import { type Stored, storedIn } from "./rows.ts";
import { search } from "./search.ts";
import type { DescribedRequest, Transport } from "./transport.ts";

type SyncContext = Pick<ConnectContext, "contactFields" | "now">;

/**
 * Where a sync stands. `list`: all callers are listed. `changes`: those changed in a window of time are searched, by
 * id, so that no window is too large. `archived`: those that were deleted are listed. Each step goes through one type of
 * caller after another; `of`: the type it is at. `fields`: the properties that the index was made with. Times are ms.
 */
type SyncCursor = {
  step: "list" | "changes" | "archived";
  of: CallerShape["type"];
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
/** What no change told us of (a contact merged unseen) is found by a complete listing. */
const fullEveryMs = 7 * 86_400_000;

const asking = (signal?: AbortSignal): DescribedRequest => ({
  what: "HubSpot, reading contacts",
  priority: "sync",
  signal,
});

type SyncPage = Omit<ContactChanges, "cursor"> & { next: SyncCursor };

/** What one page is read with. `next`: the type of caller that comes after this one in the same step. */
type PageOptions = {
  transport: Transport;
  shape: CallerShape;
  next: CallerShape["type"] | undefined;
  first: CallerShape["type"];
  asked: readonly string[];
  now: () => number;
  signal: AbortSignal | undefined;
};

/**
 * One page of changes; the first time, and once a week, one page of all contacts and companies. A type of caller that
 * has no more to tell makes way for the next one in the same page. Throws `CrmError`.
 */
export async function changedContacts(
  { transport, callers, context }: { transport: Transport; callers: Callers; context: SyncContext },
  text: string | undefined,
  signal?: AbortSignal,
): Promise<ContactChanges> {
  const now = context.now();
  const asked = context.contactFields();
  const shapes = await callers.shapes(signal);
  const [{ type: first }] = shapes as [CallerShape];
  const fields = fieldsMark(shapes.flatMap((shape) => callerProperties(shape, asked)));
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
    const one = await read({ transport, shape, next, first, asked, now: context.now, signal }, all.next);
    all.contacts.push(...one.contacts);
    all.removed.push(...one.removed);
    Object.assign(all, { next: one.next, more: one.more });
  }
  const { next, ...page } = all;
  return { ...page, cursor: JSON.stringify(next), ...(starts && { full: true }) };
}

const steps = { list: listed, changes: changed, archived };

async function listed(reading: PageOptions, cursor: SyncCursor): Promise<SyncPage> {
  const { transport, shape, asked, now, signal } = reading;
  const body: unknown = await transport.ask(asking(signal), (client) =>
    client.crm.objects.basicApi.getPage(shape.type, pageSize, cursor.after, callerProperties(shape, asked)),
  );
  const after = nextOf(body);
  const { after: _, ...done } = cursor;
  const stored = storedIn(body).map((one) => one.stored);
  if (after !== undefined) return page(reading, stored, { ...cursor, after }, true);
  if (reading.next) return page(reading, stored, { ...done, of: reading.next }, true);
  return page(reading, stored, { ...done, step: "changes", of: reading.first, until: now() }, true);
}

async function changed(reading: PageOptions, given: SyncCursor): Promise<SyncPage> {
  const { transport, shape, asked, now, signal } = reading;
  const begins = given.last === undefined && given.of === reading.first;
  const cursor = begins ? { ...given, until: now() } : given;
  const filters = [
    { propertyName: shape.changed, operator: "GTE", value: String(cursor.since) },
    { propertyName: shape.changed, operator: "LTE", value: String(cursor.until) },
    ...(cursor.last === undefined
      ? []
      : [{ propertyName: "hs_object_id", operator: "GT", value: cursor.last }]),
  ];
  const body = {
    filterGroups: [{ filters }],
    properties: callerProperties(shape, asked),
    limit: searchPageSize,
    sorts: ["hs_object_id"],
  };
  const { results } = await search(transport, shape.type, body, asking(signal));
  const stored = results.map((one) => one.stored);
  const last = stored.at(-1)?.id;
  if (stored.length === searchPageSize && last !== undefined)
    return page(reading, stored, { ...cursor, last }, true);
  const { last: _, ...done } = cursor;
  if (reading.next) return page(reading, stored, { ...done, of: reading.next }, true);
  const window: SyncCursor = { ...done, of: reading.first, since: cursor.until - overlapMs };
  if (now() - cursor.archivedAt < archivedEveryMs) return page(reading, stored, window, false);
  return page(reading, stored, { ...window, step: "archived", archivedAt: now() }, true);
}

async function archived(reading: PageOptions, cursor: SyncCursor): Promise<SyncPage> {
  const { transport, shape, signal } = reading;
  const body: unknown = await transport.ask(asking(signal), (client) =>
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
  { shape, asked }: PageOptions,
  stored: readonly Stored[],
  next: SyncCursor,
  more: boolean,
): SyncPage {
  return {
    contacts: stored.map((one) => contactOf(shape, one, asked)),
    removed: stored.flatMap(mergedInto).map((id): ContactRef => ({ id, kind: shape.kind })),
    next,
    more,
  };
}

/** A cursor of another version of ours begins anew. */
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

function nextOf(body: unknown): string | undefined {
  return isObject(body) ? textAt(objectAt(objectAt(body, "paging"), "next"), "after") : undefined;
}
