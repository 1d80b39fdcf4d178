import { CrmError } from "../../src/core/errors.ts";
import { quotedWhole } from "../../src/core/mask.ts";
import { isObject, objectAt, objectsAt, textAt } from "../../src/lib/body.ts";
import { inParts } from "../../src/lib/pace.ts";
import { inHalves } from "../../src/lib/patterns.ts";
import { failedCall, isSettled, type SavedCall, type SettledCall } from "../../src/lib/saving.ts";
import type { HubspotWork } from "./account.ts";
import { refusedWith } from "./errors.ts";
import { type CallerType, callerKinds } from "./people.ts";
import { readRecords } from "./read.ts";
import { resultsIn, rowsAtOnce, type Stored } from "./rows.ts";
import { notGranted, type ObjectType, scopesIn } from "./schema.ts";
import type { AccountRequests } from "./transport.ts";
import { contactMark } from "./unknown-callers.ts";

/** Types of records that a mapping may associate calls with, besides the contact. */
export const associates = ["company", "deal", "ticket"] as const;

/** Unverified above 100: HubSpot names no limit for default associations. */
const pairsAtOnce = 100;

type Pair = { from: string; to: string };

const nameOf = ({ from, to }: Pair): string => `${from} ${to}`;

/**
 * Associates records with others in the default way, 100 pairs in a request; doing it twice changes nothing. Returns the
 * reasons of the pairs that HubSpot refuses, by `nameOf`. Throws `CrmError` when a request fails for all of them.
 */
export async function associate(
  { send }: AccountRequests,
  { type, toType }: { type: ObjectType; toType: string },
  pairs: readonly Pair[],
): Promise<Map<string, CrmError>> {
  const refused = new Map<string, CrmError>();

  const write = async (part: readonly Pair[]): Promise<readonly Pair[]> => {
    const inputs = part.map(({ from, to }) => ({ _from: { id: from }, to: { id: to } }));
    let missing = part;
    let error: CrmError;
    try {
      const body: unknown = await send((client) =>
        client.crm.associations.v4.batchApi.createDefault(type, toType, { inputs }),
      );
      missing = missingOf(body, part);
      error = new CrmError("never", firstErrorOf(body));
    } catch (cause) {
      if (!refusedWith(cause, 400, 404, 409)) throw cause;
      error = cause;
    }
    // The answer does not name the pair that is wrong.
    if (part.length > 1) return missing;
    for (const pair of missing) refused.set(nameOf(pair), error);
    return [];
  };

  const unique = [...new Map(pairs.map((pair) => [nameOf(pair), pair])).values()];
  for (const part of inParts(unique, pairsAtOnce)) await inHalves(part, write);
  return refused;
}

/** Without an error every pair is associated, whatever the list of results says. */
function missingOf(body: unknown, part: readonly Pair[]): Pair[] {
  if (!isObject(body) || objectsAt(body, "errors").length === 0) return [];
  const done = new Set(
    objectsAt(body, "results").map((result) => {
      const from = result["_from"] === undefined ? objectAt(result, "from") : objectAt(result, "_from");
      return nameOf({ from: textAt(from, "id") ?? "", to: textAt(objectAt(result, "to"), "id") ?? "" });
    }),
  );
  return part.filter((pair) => !done.has(nameOf(pair)));
}

function firstErrorOf(body: unknown): string {
  const [error] = isObject(body) ? objectsAt(body, "errors") : [];
  const words = error && textAt(error, "message");
  return `HubSpot does not associate it: ${words === undefined ? "it gives no reason" : quotedWhole(words)}`;
}

/** Ends associations of calls; those that are not there are ignored. */
async function dissociate(
  { send }: AccountRequests,
  type: CallerType,
  pairs: readonly Pair[],
): Promise<void> {
  for (const part of inParts(pairs, pairsAtOnce)) {
    const inputs = part.map(({ from, to }) => ({ _from: { id: from }, to: [{ id: to }] }));
    await send((client) => client.crm.associations.v4.batchApi.archive("calls", type, { inputs }));
  }
}

/** The contacts, or companies, that each call is associated with. */
async function callersOfCalls(
  { send }: AccountRequests,
  type: CallerType,
  callIds: readonly string[],
): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for (const part of inParts(callIds, rowsAtOnce)) {
    const inputs = part.map((id) => ({ id }));
    const body: unknown = await send((client) =>
      client.crm.associations.v4.batchApi.getPage("calls", type, { inputs }),
    ).catch((error: unknown) => {
      // None of them has one.
      if (refusedWith(error, 404)) return undefined;
      throw error;
    });
    for (const result of body === undefined ? [] : resultsIn(body)) {
      const from = result["_from"] === undefined ? objectAt(result, "from") : objectAt(result, "_from");
      const id = textAt(from, "id");
      if (id !== undefined)
        found.set(
          id,
          objectsAt(result, "to").flatMap((to) => textAt(to, "toObjectId") ?? []),
        );
    }
  }
  return found;
}

/**
 * Associates written calls with their contacts and the other records of the mapping, one request per type of record.
 * A call whose contact a person has changed keeps it.
 */
export async function linkCalls(
  work: HubspotWork,
  calls: readonly SavedCall<Stored>[],
): Promise<(SavedCall<Stored> | SettledCall)[]> {
  const settled: SettledCall[] = [];
  let linked = calls;
  for (const callerKind of callerKinds) {
    const steps = await linkCallers(work, callerKind, linked);
    settled.push(...steps.filter(isSettled));
    linked = steps.flatMap((step) => (isSettled(step) ? [] : [step]));
  }
  for (const type of associates) linked = await linkRecords(work, type, linked);
  return [...linked, ...settled];
}

async function linkCallers(
  work: HubspotWork,
  [type, kind]: (typeof callerKinds)[number],
  calls: readonly SavedCall<Stored>[],
): Promise<(SavedCall<Stored> | SettledCall)[]> {
  const naming = work.named(`HubSpot, associating calls with ${type}`);
  const wanting = calls.filter(({ record, contact }) => contact?.kind === kind && !record.linked);
  const leaving = calls.filter(({ record }) => record.moved);
  const present = await callersOfCalls(
    work.named(`HubSpot, reading the ${type} of calls`),
    type,
    [...new Set([...wanting, ...leaving])].flatMap(({ current }) => current?.id ?? []),
  );
  const planned = calls.map((call): { call: SavedCall<Stored>; to?: string } => {
    const { record, contact, current } = call;
    if (!contact || !wanting.includes(call)) return { call };
    const ours = new Set([contact.id, ...(record.ours["contactId"] ?? []).map(String)]);
    const theirs = current && present.get(current.id)?.find((id) => !ours.has(id));
    if (theirs === undefined) return { call, to: contact.id };
    return {
      call: { ...call, contact: { id: theirs, kind }, leftAlone: [...call.leftAlone, "contactId"] },
    };
  });
  const pairs = planned.flatMap(({ call, to }) => (to === undefined ? [] : [{ from: call.activityId, to }]));
  const refused = await associate(naming, { type: "calls", toType: type }, pairs);
  const left = leaving.flatMap(({ record, contact, current, activityId }) => {
    const ours = new Set(record.ours["contactId"]?.map(String));
    const stays = contact?.kind === kind ? contact.id : undefined;
    const linked = (current && present.get(current.id)) ?? [];
    return linked.flatMap((to) => (ours.has(to) && to !== stays ? { from: activityId, to } : []));
  });
  await dissociate(naming, type, left);
  const doubtful = pairs.flatMap((pair) => (refused.has(nameOf(pair)) ? [pair.to] : []));
  const existing = await readRecords(naming, doubtful, { type, by: "id", properties: [] });
  return planned.map(({ call, to }) => {
    if (to === undefined) return call;
    const error = refused.get(nameOf({ from: call.activityId, to }));
    if (!error) return { ...call, wrote: { ...call.wrote, contactId: to } };
    if (existing.has(to))
      return { ...call, without: [...call.without, `its contact ${to}: ${error.message}`] };
    const number = call.record.createContact?.number;
    if (number !== undefined) work.lookBack.forget(contactMark(number));
    return failedCall(call.record, contactIsGone(error), call.contact);
  });
}

/** The contact was deleted or merged since it was read. */
function contactIsGone(cause: CrmError): CrmError {
  const message = `${cause.message}. The caller is looked up again`;
  return new CrmError("later", message, { cause, afterMs: 1_000 });
}

async function linkRecords(
  work: HubspotWork,
  type: (typeof associates)[number],
  calls: readonly SavedCall<Stored>[],
): Promise<readonly SavedCall<Stored>[]> {
  const { context, warn } = work;
  const field = `${type}Id`;
  const toType = type === "company" ? "companies" : `${type}s`;
  const targetOf = ({ record }: SavedCall<Stored>): string | undefined => {
    const to = record.associate?.[type];
    return to === undefined || record.ours[field]?.includes(to) ? undefined : to;
  };
  const pairs = calls.flatMap((call) => {
    const to = targetOf(call);
    return to === undefined ? [] : [{ from: call.activityId, to }];
  });
  if (pairs.length === 0) return calls;
  const withoutAny = (why: string): SavedCall<Stored>[] => {
    warn(`calls are logged without their ${toType}: ${why}`);
    return calls.map((call) =>
      targetOf(call) === undefined ? call : { ...call, without: [...call.without, `its ${type}: ${why}`] },
    );
  };
  const lacked = scopesIn(context).toAssociate(type);
  if (lacked !== undefined) return withoutAny(notGranted(lacked));
  const refused = await associate(work, { type: "calls", toType }, pairs).catch((error: unknown) => {
    if (refusedWith(error, 403)) return error.message;
    throw error;
  });
  if (typeof refused === "string") return withoutAny(refused);
  return calls.map((call) => {
    const to = targetOf(call);
    if (to === undefined) return call;
    const error = refused.get(nameOf({ from: call.activityId, to }));
    if (!error) return { ...call, wrote: { ...call.wrote, [field]: to } };
    // The call is logged on its contact; a second record that does not exist is no reason to hold it back.
    warn(`calls could not be associated with ${type} ${to}: ${error.message}`);
    return { ...call, without: [...call.without, `its ${type} ${to}: ${error.message}`] };
  });
}
