import type { Owner } from "../../core/contact.ts";
import type { SaveResult } from "../../core/crm.ts";
import { CrmError, messageOf } from "../../core/errors.ts";
import { quoted } from "../../core/mask.ts";
import type { TrackedCall } from "../../core/tracked-call.ts";
import { createPace, inParts } from "../../lib/pace.ts";
import type { DeliveredCall } from "../../store/contract.ts";
import type { Flow, Installation } from "../installation.ts";
import { logLimited } from "../limited-log.ts";
import { type Promised, planFollowUps, retryFollowUps, type Unmade } from "./follow-ups.ts";
import { contactOf, earlierLookup, type Lookup, lookUp } from "./match.ts";
import { failed, outcomeOf, saveDelivered } from "./outcome.ts";
import { type Outgoing, oursWhileSending, recordOf } from "./record.ts";
import { removeMerged } from "./remove-merged.ts";

/** Rows in one transaction: few enough that other work does not wait long for it. */
const rowsAtOnce = 100;

/** What the batches of one claim share. */
type Claim = {
  /** Each call's match, once it is there. */
  lookupOf: (row: TrackedCall) => Promise<Lookup>;
  owners: readonly Owner[];
  promised: Promised;
  unmade: Unmade[];
  /** Aborted when the CRM is unavailable. */
  ended: AbortSignal;
  signal: AbortSignal | undefined;
};

/** The most calls of one claim. */
export function claimSize({ connector: { batchSize, parallel = 1 } }: Installation): number {
  return batchSize * parallel;
}

/**
 * Logs the calls that are due, as many batches as the CRM takes at once, in one claim; each batch is sent as soon as its
 * callers are matched. Returns how many it took. A row that fails does not affect the others. When the whole CRM is
 * unavailable, every call keeps waiting and the `CrmError` says how long.
 */
export async function deliverDue(
  flow: Flow,
  installation: Installation,
  signal?: AbortSignal,
): Promise<number> {
  const { settings } = installation;
  const rows = await flow.store.dueCalls(settings.name, flow.now(), claimSize(installation));
  const merged = rows.filter(({ state }) => state === "merged");
  if (merged.length > 0) await removeMerged(flow, installation, merged);
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
      // Calls that were held back because others were refused, or because of a stop, stay due.
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
  const parts = await Promise.allSettled(inParts(due, installation.connector.batchSize).map(deliver));
  await retryFollowUps(flow, installation, claim.unmade);
  for (const part of parts) if (part.status === "rejected") throw part.reason;
  if (!refusal) return rows.length;
  throw new CrmError("later", refusal.message, {
    cause: refusal,
    ...(refusal.afterMs !== undefined && { afterMs: refusal.afterMs }),
  });
}

/** Requested from the CRM until the first sync has stored them: agents are recognised by the e-mail addresses of its users. */
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
      installation.settings.name,
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
  const links = await flow.links();
  const pace = createPace();
  const outgoing: Outgoing[] = [];
  const unfit: DeliveredCall[] = [];
  for (const row of rows) {
    const lookup = row.contact === undefined ? await lookupOf(row) : earlierLookup(row);
    const contact = await contactOf(flow, installation, row, lookup);
    try {
      const one = recordOf(links, installation, { row, lookup, contact, owners });
      logLimited(flow, installation.settings.name, one.limited ?? []);
      outgoing.push(one);
    } catch (cause) {
      const reason = `the mapping cannot be applied to this call: ${quoted(messageOf(cause))}`;
      unfit.push(failed(flow, installation, { row }, new CrmError("never", reason, { cause })));
    }
    await pace();
  }
  if (unfit.length > 0) await saveDelivered(flow, unfit);
  return outgoing;
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
    await saveDelivered(flow, await dueIfKnownByNow(flow, installation, delivered));
    const made = new Set(delivered.flatMap((call) => (mayStillBeMade(call) ? [call.id] : [])));
    for (const { row, followUp } of part)
      if (followUp && !made.has(row.id)) unmade.push({ key: row.call.key, subject: followUp });
  }
}

/** Whether the follow-up that was sent with a call exists, or is sent with the call again. */
function mayStillBeMade({ state, followUp }: DeliveredCall): boolean {
  if (state === "logged") return followUp !== undefined && "made" in followUp;
  return state !== "dead" && state !== "gone";
}

/** A call is due again when the contact index learned its number while the call was being sent. */
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

/** The CRM refused the whole batch, or did not answer. */
async function postpone(
  flow: Flow,
  installation: Installation,
  rows: readonly TrackedCall[],
  error: CrmError,
): Promise<void> {
  for (const part of inParts(rows, rowsAtOnce)) {
    await saveDelivered(
      flow,
      part.map((row) => failed(flow, installation, { row }, error)),
    );
  }
}
