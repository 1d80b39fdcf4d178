import type { SaveResult } from "../../core/crm.ts";
import type { CrmError } from "../../core/errors.ts";
import { maskAll, maskPeople } from "../../core/mask.ts";
import { maskNumber } from "../../core/phone.ts";
import type { TrackedCall } from "../../core/tracked-call.ts";
import { limitedTexts } from "../../mapping/rendering.ts";
import type { DeliveredCall } from "../../store/contract.ts";
import type { Flow, Installation } from "../installation.ts";
import { type Outgoing, oursAfterSaving } from "./record.ts";

const longestPauseMs = 300_000;

/** The new state of a call after the CRM's answer, which is logged and counted. */
export function outcomeOf(
  flow: Flow,
  installation: Installation,
  { row, record, decision, noFollowUp, limited = [] }: Outgoing,
  result: SaveResult,
): DeliveredCall {
  const at = flow.now();
  const { crm } = installation;
  const base = {
    id: row.id,
    key: row.call.key,
    installation: row.call.installation,
    revision: row.call.revision,
    link: row.link,
    attempts: 0,
    decision,
  };
  const line = {
    installation: row.call.installation,
    crm,
    call: row.call.key,
    number: maskNumber(row.number),
  };
  if ("failed" in result) return failed(flow, installation, { row, decision }, result.failed);
  if ("gone" in result) {
    flow.meter.saved(crm, "gone");
    flow.log.info({ ...line, result: "gone" }, "a person deleted the activity in the CRM; it stays deleted");
    return {
      ...base,
      state: "gone",
      reason: "a person deleted the activity in the CRM",
      step: { at, step: "gone", detail: {} },
    };
  }
  const { saved, created, wrote, kept, contact, task } = result;
  const refused = result.without?.map(maskPeople) ?? [];
  const without = [...refused, ...limitedTexts(limited)];
  const word = created ? "created" : Object.keys(wrote).length > 0 ? "updated" : "unchanged";
  flow.meter.saved(crm, word);
  flow.log.info(
    { ...line, activity: saved, contact: contact?.id ?? record.contact?.id, result: word },
    `call ${word}`,
  );
  const matched = contact ?? record.contact;
  return {
    ...base,
    state: "logged",
    ...(without.length > 0 && { reason: `without ${without.join("; ")}` }),
    activityId: saved,
    ours: oursAfterSaving(record, result),
    ...(matched && { contact: { id: matched.id, kind: matched.kind } }),
    ...(record.ownerId !== undefined && { ownerId: record.ownerId }),
    ...(record.task && { followUp: task ? { made: task } : { refused: refused.join("; ") } }),
    step: {
      at,
      step: word,
      detail: {
        activity: saved,
        revision: row.call.revision,
        wrote,
        ...(kept.length > 0 && { kept }),
        ...(without.length > 0 && { without }),
        ...(noFollowUp && { noFollowUp }),
      },
    },
  };
}

/** `later` retries with growing pauses and no limit; `never` parks the call until a person has fixed the cause. */
export function failed(
  flow: Flow,
  installation: Installation,
  { row, decision }: { row: TrackedCall; decision?: DeliveredCall["decision"] | undefined },
  error: CrmError,
): DeliveredCall {
  const at = flow.now();
  const dead = error.retry === "never";
  const attempts = row.attempts + 1;
  const pause = error.afterMs ?? Math.min(longestPauseMs, 1_000 * 2 ** Math.min(attempts, 12));
  flow.meter.saved(installation.crm, error.retry);
  flow.log.warn(
    {
      installation: row.call.installation,
      crm: installation.crm,
      call: row.call.key,
      attempts,
      result: dead ? "dead" : "later",
      reason: maskAll(error.message),
    },
    dead ? "the CRM refused a call; it is parked" : "the CRM did not take a call; it waits",
  );
  return {
    id: row.id,
    key: row.call.key,
    installation: row.call.installation,
    revision: row.call.revision,
    link: row.link,
    state: dead ? "dead" : row.state,
    reason: maskPeople(error.message),
    attempts,
    ...(!dead && { dueAt: at + pause }),
    ...(decision && { decision }),
    step: {
      at,
      step: dead ? "dead" : "later",
      detail: { reason: maskPeople(error.message), ...(!dead && { againInMs: pause }) },
    },
  };
}

/** Stores the new states of calls and publishes the changed calls. */
export async function saveDelivered(
  { store, publish }: Pick<Flow, "store" | "publish">,
  calls: readonly DeliveredCall[],
): Promise<void> {
  await store.saveDelivered(calls);
  publish(calls.map(({ key, installation, state, revision }) => ({ key, installation, state, revision })));
}
