import type { Contact } from "../core/contact.ts";
import type { SaveResult } from "../core/contracts.ts";
import { CrmError, messageOf } from "../core/errors.ts";
import { createPace, inParts } from "../lib/pace.ts";
import type { CallRow, DeliveredCall } from "../store/contract.ts";
import type { Flow, Installation } from "./installation.ts";
import { type Lookup, matchCalls } from "./match.ts";
import { failed, outcomeOf } from "./outcome.ts";
import { contactRefOf, type Outgoing, oursWhileSending, recordOf } from "./record.ts";

/** Rows in one transaction: few enough that nobody waits long for it. */
const rowsAtOnce = 100;

/**
 * Logs all calls that are due, up to the CRM's batch size, in one claim. Returns how many it took.
 * A row that fails never fails its neighbours. When the CRM as a whole is away, every call keeps waiting and
 * a `CrmError` says how long.
 */
export async function deliverDue(
  flow: Flow,
  installation: Installation,
  signal?: AbortSignal,
): Promise<number> {
  const { settings, connector } = installation;
  const rows = await flow.store.dueCalls(settings.name, flow.now(), connector.batchSize);
  if (rows.length === 0) return 0;
  const merged = rows.filter(({ state }) => state === "merged");
  if (merged.length > 0) await takeBack(flow, installation, merged);
  const due = rows.filter(({ state }) => state !== "merged");
  if (due.length === 0) return rows.length;
  try {
    const outgoing = await prepare(flow, installation, due, signal);
    if (outgoing.length === 0) return rows.length;
    for (const part of inParts(outgoing, rowsAtOnce)) {
      await flow.store.saveSending(
        part.map(({ row, record }) => ({ id: row.id, ours: oursWhileSending(record) })),
      );
    }
    const results = await connector.saveCalls(
      outgoing.map(({ record }) => record),
      signal,
    );
    await settle(flow, installation, outgoing, results);
  } catch (error) {
    if (!(error instanceof CrmError)) throw error;
    await postpone(flow, installation, due, error);
  }
  return rows.length;
}

async function prepare(
  flow: Flow,
  installation: Installation,
  rows: readonly CallRow[],
  signal?: AbortSignal,
): Promise<Outgoing[]> {
  const pace = createPace();
  const unmatched = rows.filter(({ contact }) => contact === undefined);
  const lookups = await matchCalls(flow, installation, unmatched, signal);
  const owners = await flow.store.owners(installation.settings.name);
  const outgoing: Outgoing[] = [];
  const unfit: DeliveredCall[] = [];
  for (const row of rows) {
    const lookup = lookups.get(row.id) ?? kept(row);
    const contact = lookup.choice?.contact ?? (await storedContact(flow, installation, row, lookup));
    try {
      outgoing.push(recordOf(flow, installation, row, lookup, contact, owners));
    } catch (cause) {
      const reason = `the mapping cannot be applied to this call: ${messageOf(cause)}`;
      unfit.push(failed(flow, installation, row, new CrmError("never", reason, { cause })));
    }
    await pace();
  }
  if (unfit.length > 0) await flow.store.saveDelivered(unfit);
  return outgoing;
}

/** A call that was matched before stays with its contact. */
function kept({ decision, number }: CallRow): Lookup {
  return {
    lookup: decision?.lookup ?? "kept",
    ...(number !== undefined && { number }),
    choice: { reason: decision?.reason ?? "matched before", runnersUp: decision?.runnersUp ?? [] },
  };
}

async function storedContact(
  { store }: Flow,
  { settings }: Installation,
  row: CallRow,
  lookup: Lookup,
): Promise<Contact | undefined> {
  const ref = contactRefOf(row, lookup);
  if (!ref) return undefined;
  return (await store.contact(settings.name, ref)) ?? { ...ref, phones: [], fields: {} };
}

async function settle(
  flow: Flow,
  installation: Installation,
  outgoing: readonly Outgoing[],
  results: readonly SaveResult[],
): Promise<void> {
  const byKey = new Map(results.map((result) => [result.key, result]));
  for (const part of inParts(outgoing, rowsAtOnce)) {
    const lost = new CrmError("later", "the CRM's answer said nothing about this call");
    const delivered = part.map((sent) =>
      outcomeOf(
        flow,
        installation,
        sent,
        byKey.get(sent.record.key) ?? { key: sent.record.key, failed: lost },
      ),
    );
    await flow.store.saveDelivered(await dueIfKnownByNow(flow, installation, delivered));
  }
}

/** The contact index may have learned a number while its call was on the way to the CRM: that call is due again. */
async function dueIfKnownByNow(
  { store, now }: Flow,
  { settings }: Installation,
  delivered: readonly DeliveredCall[],
): Promise<readonly DeliveredCall[]> {
  const unmatched = ({ state, contact }: DeliveredCall) => state === "logged" && contact === undefined;
  const numbers = delivered.filter(unmatched).flatMap(({ decision }) => decision?.number ?? []);
  if (numbers.length === 0) return delivered;
  const known = await store.contactsByNumber(settings.name, numbers);
  return delivered.map((call) =>
    unmatched(call) && known.has(call.decision?.number ?? "") ? { ...call, dueAt: now() } : call,
  );
}

/** The CRM refused or missed the batch as a whole. */
async function postpone(
  flow: Flow,
  installation: Installation,
  rows: readonly CallRow[],
  error: CrmError,
): Promise<void> {
  for (const part of inParts(rows, rowsAtOnce)) {
    await flow.store.saveDelivered(part.map((row) => failed(flow, installation, row, error)));
  }
  if (error.retry === "never") return;
  throw new CrmError("later", error.message, {
    cause: error,
    ...(error.afterMs !== undefined && { afterMs: error.afterMs }),
  });
}

/** Removes the activities of legs that a transfer merged into other calls. */
async function takeBack(
  flow: Flow,
  { connector, crm }: Installation,
  rows: readonly CallRow[],
): Promise<void> {
  const activities = rows.flatMap(({ call, activityId }) =>
    activityId === undefined ? [] : [{ key: call.key, activityId }],
  );
  const at = flow.now();
  let problem: string | undefined;
  try {
    if (activities.length > 0) await connector.removeCalls?.(activities);
  } catch (error) {
    problem = messageOf(error);
    flow.log.warn(
      { crm, reason: problem },
      "the activity of a merged leg could not be removed; it is tried again",
    );
  }
  const again = { reason: problem, dueAt: at + 60_000 };
  await flow.store.saveDelivered(
    rows.map((row) => ({
      id: row.id,
      key: row.call.key,
      installation: row.call.installation,
      revision: row.call.revision,
      state: "merged",
      attempts: row.attempts + 1,
      ...(problem !== undefined && again),
      step: {
        at,
        step: problem === undefined ? "removed" : "later",
        detail: { ...(problem !== undefined && { reason: problem }) },
      },
    })),
  );
}
