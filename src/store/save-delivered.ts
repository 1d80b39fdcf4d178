import type { DeliveredCall, FollowUpAnswer, SentCall, Subject, WantedFollowUp } from "./contract/calls.ts";
import type { Db, Values } from "./db/db.ts";
import { addSteps } from "./db/rows.ts";
import {
  type ErasedAt,
  eraseDeliveredLate,
  erasedOf,
  erasedWithoutNews,
  lockErasure,
  tombstonesOf,
  whyErased,
} from "./erasure/calls.ts";
import { addFollowUp, saveFollowUpAnswer } from "./follow-ups.ts";

/** Texts cross to the writer several times faster than objects. */
type SendingWrite = { id: number; ours: string; at: number; followUp?: WantedFollowUp }[];

export function sendingWrite(calls: readonly SentCall[], at: number): SendingWrite {
  return calls.map(({ id, ours, ...rest }) => ({ id, ours: JSON.stringify(ours), at, ...rest }));
}

export async function saveSending(tx: Db, installation: string, calls: SendingWrite): Promise<void> {
  // An erasure that commits meanwhile would not be seen by the condition below.
  lockErasure(tx, installation, "shared");
  for (const { id, ours, at, followUp } of calls) {
    tx.send(
      `UPDATE calls SET ours = :ours, sent_at = COALESCE(sent_at, :at)
        WHERE id = :id AND NOT (${erasedWithoutNews})`,
      { id, ours, at, whyErased },
    );
    if (followUp) addFollowUp(tx, id, followUp);
  }
}

/**
 * A call that changed while it was delivered keeps its due time: what was saved is outdated. A leg that became a call
 * again while its activity was removed stays one.
 */
const update = `
  UPDATE calls SET
    state = CASE WHEN 'merged' IN (state, :state) THEN state ELSE :state END,
    reason = CASE WHEN 'merged' IN (state, :state) THEN reason ELSE :reason END,
    due_at = CASE WHEN state = 'merged' AND :state <> 'merged' AND CAST(:activityId AS text) IS NOT NULL THEN :at
                  WHEN (revision > :revision OR link <> COALESCE(:link, link)) AND due_at IS NOT NULL THEN due_at
                  ELSE :dueAt END,
    attempts = :attempts,
    saved_revision = CASE WHEN :state = 'logged' AND saved_revision < :revision THEN :revision ELSE saved_revision END,
    contact_kind = COALESCE(:contactKind, contact_kind),
    contact_id = COALESCE(:contactId, contact_id),
    owner_id = COALESCE(:ownerId, owner_id),
    activity_id = CASE WHEN :state = 'merged' AND state <> 'merged' AND CAST(:dueAt AS bigint) IS NULL THEN NULL
                       ELSE COALESCE(:activityId, activity_id) END,
    sent_at = CASE WHEN CAST(:activityId AS text) IS NOT NULL OR :state = 'gone' THEN NULL ELSE sent_at END,
    ours = COALESCE(:ours, ours),
    decision = COALESCE(:decision, decision),
    updated_at = :at
  WHERE id = :id`;

type DeliveredWrite = {
  installation: string;
  call: { id: number; at: number } & Values;
  step: { at: number; step: string; detail: string };
  followUp?: { answer: FollowUpAnswer; subject: Subject };
}[];

export function deliveredWrite(calls: readonly DeliveredCall[]): DeliveredWrite {
  return calls.map((call) => {
    const { id, revision, link, state, reason, dueAt, attempts, ownerId, activityId } = call;
    const { contact, ours, decision, step, followUp } = call;
    const found = { contactKind: contact?.kind, contactId: contact?.id, ownerId, activityId };
    const texts = { ours: ours && JSON.stringify(ours), decision: decision && JSON.stringify(decision) };
    return {
      installation: call.installation,
      call: { id, at: step.at, revision, link, state, reason, dueAt, attempts, ...found, ...texts },
      step: { at: step.at, step: step.step, detail: JSON.stringify(step.detail) },
      ...(followUp && { followUp: { answer: followUp, subject: contact ? { contact } : {} } }),
    };
  });
}

export async function saveDelivered(tx: Db, calls: DeliveredWrite): Promise<void> {
  for (const installation of new Set(calls.map((call) => call.installation)))
    lockErasure(tx, installation, "shared");
  const erased = await erasedOf(
    tx,
    calls.map(({ call }) => call.id),
  );
  for (const { call, followUp } of calls) {
    tx.send(update, call);
    if (followUp) saveFollowUpAnswer(tx, call.id, followUp.answer, followUp.subject);
  }
  addSteps(
    tx,
    calls.map(({ call, step }) => ({ call: call.id, ...step })),
  );
  let known: { of: string; erasedAt: ErasedAt | undefined } | undefined;
  for (const { installation, call } of calls) {
    const { id, at } = call;
    const of = `${installation} ${at}`;
    if (known?.of !== of) known = { of, erasedAt: await tombstonesOf(tx, installation, at) };
    await eraseDeliveredLate(tx, { id, wasErased: erased.has(id), erasedAt: known.erasedAt }, at);
  }
}
