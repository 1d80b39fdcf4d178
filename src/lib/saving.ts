import type { ContactRef } from "../core/contact.ts";
import type { CallRecord, Fields, FollowUp, SaveResult } from "../core/crm.ts";
import type { CrmError } from "../core/errors.ts";

/**
 * A call on its way through a save: found, ready, saved; or settled at any step. `A` is an activity as the CRM
 * answers it.
 */
export type FoundCall<A> = {
  record: CallRecord;
  /** What the CRM has of the call; absent when it has nothing. */
  current?: A;
  /** Whom the call belongs to. */
  contact?: ContactRef;
  /** What the call is logged without, and why. */
  without: readonly string[];
};

export type ReadyCall<A> = FoundCall<A> & {
  /** What to write, or what was written, in the mapping's own values. */
  wrote: Readonly<Fields>;
  /** Fields that a person changed. */
  leftAlone: readonly string[];
};

export type SavedCall<A> = ReadyCall<A> & {
  activityId: string;
  created: boolean;
  /** Fields that the CRM stores in another form than it was sent. */
  stored?: Readonly<Fields>;
  task?: FollowUp;
};

/** A call whose save is over; later steps do not get it. */
export type SettledCall = { key: string; result: SaveResult };

/** Sorts out the calls of one batch. */
export type SaveBatch = {
  /** Of records with the same key the last one. */
  records: readonly CallRecord[];
  /** The steps of the calls that go on; the others are settled. */
  open<T extends object>(steps: readonly (T | SettledCall)[]): T[];
  /** The results of all calls, in the order of their records. */
  results(saved: readonly SavedCall<unknown>[]): SaveResult[];
};

export function openBatch(given: readonly CallRecord[]): SaveBatch {
  const records = [...new Map(given.map((record) => [record.key, record])).values()];
  const results = new Map<string, SaveResult>();
  return {
    records,
    open: (steps) =>
      steps.flatMap((step) => {
        if (!isSettled(step)) return [step];
        results.set(step.key, step.result);
        return [];
      }),
    results(saved) {
      for (const call of saved) results.set(call.record.key, resultOf(call));
      return records.flatMap(({ key }) => results.get(key) ?? []);
    },
  };
}

export function isSettled(step: object): step is SettledCall {
  return "result" in step;
}

function resultOf(call: SavedCall<unknown>): SaveResult {
  const { record, activityId, created, wrote, leftAlone, contact, stored = {}, without, task } = call;
  return {
    key: record.key,
    saved: activityId,
    created,
    wrote: { ...wrote },
    kept: [...leftAlone],
    ...(contact && { contact: { id: contact.id, kind: contact.kind } }),
    ...(Object.keys(stored).length > 0 && { stored: { ...stored } }),
    ...(without.length > 0 && { without: [...without] }),
    ...(task && { task }),
  };
}

/** The owner of a record after the CRM refused one: the default owner, and after that one none. */
export function otherOwner(refused: unknown, fallback: string | undefined): string | undefined {
  return fallback === refused ? undefined : fallback;
}

/** The same, with a sentence that says what was left out. `otherwise`: what a record without an owner has. */
export function ownerInstead(
  refused: unknown,
  fallback: string | undefined,
  { otherwise, why }: { otherwise: string; why: string },
): { owner: string | undefined; without: string } {
  const owner = otherOwner(refused, fallback);
  const instead = owner === undefined ? otherwise : "the default owner has it";
  return { owner, without: `the owner ${refused}, so ${instead}: ${why}` };
}

export function failedCall(
  { key }: { key: string },
  failed: CrmError,
  contactGone?: ContactRef,
): SettledCall {
  return { key, result: { key, failed, ...(contactGone && { contactGone }) } };
}

/** A person deleted the activity. */
export function goneCall({ key }: { key: string }): SettledCall {
  return { key, result: { key, gone: true } };
}
