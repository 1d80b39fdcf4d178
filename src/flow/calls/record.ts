import { isMissed } from "../../core/call.ts";
import type { Contact, Owner } from "../../core/contact.ts";
import { type CallRecord, type Fields, type SaveResult, withEmptied } from "../../core/crm.ts";
import { toE164 } from "../../core/phone.ts";
import type { CallLinks } from "../../core/runtime.ts";
import {
  chosenByPerson,
  type Decision,
  type TrackedCall,
  type WrittenByUs,
} from "../../core/tracked-call.ts";
import type { Limited, RenderBudget } from "../../mapping/rendering.ts";
import type { View } from "../../mapping/view.ts";
import type { WantedFollowUp } from "../../store/contract.ts";
import type { Installation } from "../installation.ts";
import { namesOf } from "./agent-names.ts";
import type { Lookup } from "./match.ts";
import { chooseOwner, type OwnerChoice } from "./owner.ts";

/**
 * A call on its way to the CRM: what is sent, and why it looks like that. `followUp`: the task that goes with it.
 * `noFollowUp`: why a missed call has none. `limited`: fields whose texts ran into a limit.
 */
export type Outgoing = {
  row: TrackedCall;
  record: CallRecord;
  decision: Decision;
  followUp?: WantedFollowUp;
  noFollowUp?: string;
  limited?: readonly Limited[];
};

/** What a record is made with. */
type RecordContext = CallLinks & {
  /** Absent = a new one for each record. */
  budget?: RenderBudget;
};

/** A call, and who it was with. `owners`: the CRM's users. */
type MatchedCall = {
  row: TrackedCall;
  lookup: Lookup;
  contact: Contact | undefined;
  owners: readonly Owner[];
};

/** One call as the CRM gets it. Only a number that was looked up and not found can become a contact. */
export function recordOf(
  context: RecordContext,
  installation: Pick<Installation, "settings" | "mapping">,
  { row, lookup, contact, owners }: MatchedCall,
): Outgoing {
  const { settings } = installation;
  const mapping = installation.mapping();
  const choice = chooseOwner(settings, owners, row.call, contact);
  const view = viewOf(context, installation, row, { contact, choice, owners, lookup });
  const rendering = mapping.render(view, context.budget);
  const { fields, modes } = mapping.activity(rendering);
  const task = isMissed(row.call) ? mapping.task(rendering) : undefined;
  const associate = mapping.associate(rendering);
  const create = contact === undefined && makesContact(installation, row) ? lookup.number : undefined;
  const record: CallRecord = {
    key: row.call.key,
    fields: withEmptied({ fields, modes, ours: row.ours }),
    modes,
    ours: row.ours,
    ...(row.activityId !== undefined && { activityId: row.activityId }),
    ...(row.sentAt !== undefined && { sentAt: row.sentAt }),
    ...(contact && { contact: { id: contact.id, kind: contact.kind } }),
    ...linkOf(row),
    ...(associate && { associate }),
    ...(choice.owner && { ownerId: choice.owner.id }),
    ...(choice.fallback &&
      choice.fallback.id !== choice.owner?.id && { fallbackOwnerId: choice.fallback.id }),
    ...(create !== undefined && {
      createContact: {
        number: create,
        ...(view.customerNumber !== create && { phone: view.customerNumber }),
        fields: mapping.contact(rendering),
        ...(row.call.customer?.name && { named: true as const }),
      },
    }),
    ...(task && { task: { fields: task } }),
  };
  const { limited } = rendering;
  return {
    row,
    record,
    decision: decisionOf(lookup, contact, choice),
    ...(limited.length > 0 && { limited }),
  };
}

type FoundFacts = {
  contact: Contact | undefined;
  choice: OwnerChoice;
  owners: readonly Owner[];
  lookup: Lookup;
};

function viewOf(
  links: CallLinks,
  { settings }: Pick<Installation, "settings">,
  row: TrackedCall,
  { contact, choice, owners, lookup }: FoundFacts,
): View {
  const { name, region, timeZone, followUpDueMinutes } = settings;
  const { owner } = choice;
  const { recording, transcript, summary, customer, line } = row.call;
  const recordingUrl = recording && links.recordingUrl(row);
  const transcriptUrl = transcript || summary ? links.transcriptUrl(row) : undefined;
  const customerNumber = toE164(customer?.number, region) ?? row.number;
  const sharedWith = lookup.choice?.runnersUp.flatMap((one) => one.name ?? []) ?? [];
  return {
    // One line has one writing, however its provider's feeds write it.
    call: { ...row.call, ...(line && { line: toE164(line, region) ?? line }) },
    installation: { name, region, timeZone },
    followUpDueMinutes,
    people: namesOf(settings, owners, row.call),
    ...(customerNumber !== undefined && { customerNumber }),
    ...(recordingUrl && { recordingUrl }),
    ...(transcriptUrl && { transcriptUrl }),
    ...(contact && { contact }),
    ...(contact && sharedWith.length > 0 && { sharedWith }),
    ...(owner && { owner }),
  };
}

/** A contact that the CRM did not take is tried again, and one that a person chose takes the place of the one before. */
function linkOf({ contact, activityId, ours, decision }: TrackedCall): Pick<CallRecord, "linked" | "moved"> {
  const before = ours["contactId"];
  if (!contact || activityId === undefined || !before) return {};
  const isMoved = decision?.lookup === chosenByPerson && before.some((id) => id !== "" && id !== contact.id);
  return isMoved ? { moved: true } : { linked: true };
}

function makesContact({ settings }: Pick<Installation, "settings">, { call }: TrackedCall): boolean {
  if (settings.unknownCallers === "never") return false;
  return settings.unknownCallers === "always" || call.outcome === "completed";
}

function decisionOf(
  { number, lookup, choice }: Lookup,
  contact: Contact | undefined,
  { owner, why, agent }: OwnerChoice,
): Decision {
  return {
    lookup,
    ...(number !== undefined && { number }),
    ...(choice && { reason: choice.reason, runnersUp: choice.runnersUp }),
    ...(contact && {
      contact: { id: contact.id, kind: contact.kind, ...(contact.name && { name: contact.name }) },
    }),
    owner: { id: owner?.id ?? "", why },
    ...(agent && { agent: agent.email }),
  };
}

/** All that a record says of its activity: the mapped fields, and whom it belongs to. */
export function sentOf({ fields, contact, ownerId }: CallRecord): Fields {
  return {
    ...fields,
    ...(contact && { contactId: contact.id }),
    ...(ownerId !== undefined && { ownerId }),
  };
}

/**
 * The values that may be in the CRM because of us once this record has been sent: the old ones and the new. A field
 * that we never wrote may still be empty afterwards; that is no edit.
 */
export function oursWhileSending(record: CallRecord): WrittenByUs {
  const all = new Map(Object.entries(record.ours).map(([name, values]) => [name, [...values]]));
  for (const [name, value] of Object.entries(sentOf(record))) {
    const values = all.get(name) ?? [""];
    if (!values.includes(value)) all.set(name, [...values, value]);
  }
  return Object.fromEntries(all);
}

/**
 * The same after the CRM has answered: what we wrote is ours, and so is what was ours and still has our value. A field that
 * a person changed keeps our old values; a field that the connector left out does not become ours.
 */
export function oursAfterSaving(
  record: CallRecord,
  result: Extract<SaveResult, { saved: string }>,
): WrittenByUs {
  const after = new Map(Object.entries(record.ours).map(([name, values]) => [name, [...values]]));
  for (const [name, value] of Object.entries(sentOf(record))) {
    const wasOurs = record.ours[name]?.includes(value);
    const stands = !result.kept.includes(name) && (record.modes[name] ?? "always") === "always";
    if (wasOurs && stands) after.set(name, [value]);
  }
  for (const [name, value] of Object.entries(result.wrote)) after.set(name, [value]);
  for (const [name, value] of Object.entries(result.stored ?? {}))
    after.set(name, [...(after.get(name) ?? []), value]);
  return Object.fromEntries(after);
}
