import type { Contact, Owner } from "../../core/contact.ts";
import type { SaveResult } from "../../core/contracts.ts";
import { CrmError, messageOf } from "../../core/errors.ts";
import { quoted } from "../../core/mask.ts";
import type { TrackedCall } from "../../core/tracked-call.ts";
import { createPace, inParts } from "../../lib/pace.ts";
import type { DeliveredCall } from "../../store/contract.ts";
import type { Flow, Installation } from "../installation.ts";
import { logLimited } from "../limited.ts";
import { instead, type Promised, planFollowUps, type Unmade } from "./follow-ups.ts";
import { type Lookup, lookUp } from "./match.ts";
import { failed, outcomeOf } from "./outcome.ts";
import { contactRefOf, type Outgoing, oursWhileSending, recordOf } from "./record.ts";
import { takeBack } from "./remove-merged.ts";

/** Rows in one transaction: few enough that nobody waits long for it. */
const rowsAtOnce = 100;

/** What the batches of one claim share. `lookupOf`: each call's match, once it is there. `promised`: who gets a follow-up. `unmade`: whose was not made. `ended`: the CRM is away. */
type Claim = {
  lookupOf: (row: TrackedCall) => Promise<Lookup>;
  owners: readonly Owner[];
  promised: Promised;
  unmade: Unmade[];
  ended: AbortSignal;
  signal: AbortSignal | undefined;
};

/**
 * Logs all calls that are due, as many batches as the CRM takes at once, in one claim; each batch goes as soon as its
 * callers are matched. Returns how many it took. A row that fails never fails its neighbours. When the CRM as a whole
 * is away, every call keeps waiting and a `CrmError` says how long.
 */
export async function deliverDue(
  flow: Flow,
  installation: Installation,
  signal?: AbortSignal,
): Promise<number> {
  const { settings, connector } = installation;
  const { batchSize, parallel = 1 } = connector;
  const rows = await flow.store.dueCalls(settings.name, flow.now(), batchSize * parallel);
  const merged = rows.filter(({ state }) => state === "merged");
  if (merged.length > 0) await takeBack(flow, installation, merged);
  const due = rows.filter(({ state }) => state !== "merged");
  if (due.length === 0) return rows.length;
  const end = new AbortController();
  const ended = signal ? AbortSignal.any([signal, end.signal]) : end.signal;
  const unmatched = due.filter(({ contact }) => contact === undefined);
  const lookupOf = await lookUp(flow, installation, unmatched, ended);
  const owners = await ownersOf(flow, installation);
  const claim: Claim = { lookupOf, owners, promised: new Map(), unmade: [], ended, signal };
  let refusal: CrmError | undefined;
  const deliver = async (part: readonly TrackedCall[]): Promise<void> => {
    try {
      await deliverPart(flow, installation, part, claim);
    } catch (error) {
      // Calls that wait only because others were refused, or because we stop, stay due as they are.
      if (ended.aborted && (refusal || signal?.aborted)) return;
      if (!(error instanceof CrmError)) throw error;
      if (error.retry === "later") refusal = error;
      if (refusal) end.abort();
      else
        for (const { call, number } of part)
          claim.unmade.push({ key: call.key, subject: { ...(number !== undefined && { number }) } });
      await postpone(flow, installation, part, error);
    }
  };
  const parts = await Promise.allSettled(inParts(due, batchSize).map(deliver));
  await instead(flow, installation, claim.unmade);
  for (const part of parts) if (part.status === "rejected") throw part.reason;
  if (!refusal) return rows.length;
  throw new CrmError("later", refusal.message, {
    cause: refusal,
    ...(refusal.afterMs !== undefined && { afterMs: refusal.afterMs }),
  });
}

/** Before the first sync has brought them, the CRM is asked: without its users nobody is known by their e-mail address. */
async function ownersOf({ store }: Flow, { settings, connector }: Installation): Promise<readonly Owner[]> {
  const known = await store.owners(settings.name);
  if (known.length > 0 || !connector.owners) return known;
  if ((await store.syncState(settings.name)).finishedAt !== undefined) return known;
  const owners = await connector.owners().catch((error: unknown): Owner[] => {
    if (error instanceof CrmError) return [];
    throw error;
  });
  if (owners.length > 0) await store.putOwners(settings.name, owners);
  return owners;
}

async function deliverPart(
  flow: Flow,
  installation: Installation,
  rows: readonly TrackedCall[],
  claim: Claim,
): Promise<void> {
  const prepared = await prepare(flow, installation, rows, claim);
  const outgoing = await planFollowUps(flow, installation, prepared, claim);
  claim.ended.throwIfAborted();
  if (outgoing.length === 0) return;
  for (const part of inParts(outgoing, rowsAtOnce)) {
    await flow.store.saveSending(
      part.map(({ row, record, followUp }) => ({
        id: row.id,
        ours: oursWhileSending(record),
        ...(followUp && { followUp }),
      })),
      flow.now(),
    );
  }
  const records = outgoing.map(({ record }) => record);
  const results = await installation.connector.saveCalls(records, claim.signal);
  await settle(flow, installation, { outgoing, results, unmade: claim.unmade });
}

async function prepare(
  flow: Flow,
  installation: Installation,
  rows: readonly TrackedCall[],
  { lookupOf, owners }: Claim,
): Promise<Outgoing[]> {
  const pace = createPace();
  const outgoing: Outgoing[] = [];
  const unfit: DeliveredCall[] = [];
  for (const row of rows) {
    const lookup = row.contact === undefined ? await lookupOf(row) : kept(row);
    const contact = lookup.choice?.contact ?? (await storedContact(flow, installation, row, lookup));
    try {
      const one = recordOf(flow, installation, { row, lookup, contact, owners });
      logLimited(flow, installation.settings.name, one.limited ?? []);
      outgoing.push(one);
    } catch (cause) {
      const reason = `the mapping cannot be applied to this call: ${quoted(messageOf(cause))}`;
      unfit.push(failed(flow, installation, { row }, new CrmError("never", reason, { cause })));
    }
    await pace();
  }
  if (unfit.length > 0) await flow.store.saveDelivered(unfit);
  return outgoing;
}

/** A call that was matched before stays with its contact. */
function kept({ decision, number }: TrackedCall): Lookup {
  return {
    lookup: decision?.lookup ?? "kept",
    ...(number !== undefined && { number }),
    choice: { reason: decision?.reason ?? "matched before", runnersUp: decision?.runnersUp ?? [] },
  };
}

async function storedContact(
  { store }: Flow,
  { settings }: Installation,
  row: TrackedCall,
  lookup: Lookup,
): Promise<Contact | undefined> {
  const ref = contactRefOf(row, lookup);
  if (!ref) return undefined;
  return (await store.contact(settings.name, ref)) ?? { ...ref, phones: [], fields: {} };
}

type SavedBatch = { outgoing: readonly Outgoing[]; results: readonly SaveResult[]; unmade: Unmade[] };

async function settle(
  flow: Flow,
  installation: Installation,
  { outgoing, results, unmade }: SavedBatch,
): Promise<void> {
  const byKey = new Map(results.map((result) => [result.key, result]));
  const gone = results.flatMap((result) => ("failed" in result && result.contactGone) || []);
  if (gone.length > 0) await flow.store.removeContacts(installation.settings.name, gone);
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
    const made = new Set(delivered.flatMap((call) => (mayStillBeMade(call) ? [call.id] : [])));
    for (const { row, followUp } of part)
      if (followUp && !made.has(row.id)) unmade.push({ key: row.call.key, subject: followUp });
  }
}

/** Whether the follow-up that went with a call is there, or goes out with the call again. */
function mayStillBeMade({ state, followUp }: DeliveredCall): boolean {
  if (state === "logged") return followUp !== undefined && "made" in followUp;
  return state !== "dead" && state !== "gone";
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
  rows: readonly TrackedCall[],
  error: CrmError,
): Promise<void> {
  for (const part of inParts(rows, rowsAtOnce)) {
    await flow.store.saveDelivered(part.map((row) => failed(flow, installation, { row }, error)));
  }
}
