import { z } from "zod";
import { hasRight, type Principal } from "../core/principal.ts";
import { callStates, followUpStates } from "../core/tracked-call.ts";
import { explainGroup } from "../flow/explain/explain.ts";
import { type ActivityField, activityFields } from "../flow/explain/fields.ts";
import type { Parts } from "../server/assemble.ts";
import type { CallGroup } from "../store/contract.ts";
import { callSummary, contactSchema, summaryOf } from "./call-summary.ts";
import { deliverySchema } from "./deliveries.ts";
import { anyObject, text, time } from "./route.ts";
import { callSeenBy, withoutLinks } from "./seen-by.ts";

const event = z.object({
  callId: text,
  sameCallAs: text.optional(),
  at: time,
  asked: z.boolean().optional(),
  kind: text,
  phase: text.optional(),
  deliveries: z.array(z.int()),
});

const answer = z.object({
  at: time,
  foundBy: text,
  agentId: text.optional(),
  reject: z.boolean().optional(),
  why: text,
  lookup: text,
  variables: anyObject,
  limited: z.array(text).optional(),
});

const explanation = z.object({
  key: text,
  state: z.enum(callStates),
  status: text,
  nextTryAt: time.optional(),
  attempts: z.int(),
  activityId: text.optional(),
  contact: z.object({
    number: text.optional(),
    lookup: text,
    reason: text.optional(),
    chosen: contactSchema.optional(),
    runnersUp: z.array(contactSchema),
  }),
  owner: z.object({ id: text.optional(), name: text.optional(), why: text }).optional(),
  agent: text.optional(),
  followUp: z
    .object({
      state: z.enum(followUpStates),
      taskId: text.optional(),
      reachedBy: text.optional(),
      reason: text.optional(),
    })
    .optional(),
  answer: answer.optional(),
  merged: z.array(z.object({ key: text, activityId: text.optional() })),
  mergedInto: text.optional(),
  limited: text.optional(),
});

const factSource = z.object({ at: time, kind: text, delivery: z.int().optional() });

const factOrigin = z
  .object({
    name: text,
    value: z.unknown(),
    from: z
      .array(factSource)
      .meta({ description: "Events that state this value; none for a conclusion from several events." }),
    overruled: z
      .array(z.object({ value: z.unknown(), from: z.array(factSource) }))
      .meta({ description: "Other values that events state, which do not count." }),
  })
  .meta({ id: "FactOrigin" });

const fieldValue = z.union([text, z.number(), z.boolean()]);

const activityField = z
  .object({
    field: text,
    mapping: z.unknown().optional().meta({ description: "Its value in the mapping file." }),
    write: z.enum(["always", "if-empty", "once"]),
    value: fieldValue.optional().meta({ description: "What the mapping gives now." }),
    sent: fieldValue.optional().meta({ description: "What was written last." }),
    edited: z
      .literal(true)
      .optional()
      .meta({ description: "A person changed it in the CRM, so it is left alone." }),
    pending: z
      .literal(true)
      .optional()
      .meta({ description: "It would be written if the call were saved now." }),
    written: z.array(z.object({ at: time, value: fieldValue, revision: z.int().optional() })),
  })
  .meta({ id: "ActivityField" });

export const callDetail = z
  .object({
    call: anyObject,
    summary: callSummary,
    crm: text.optional(),
    events: z.array(event),
    facts: z.array(factOrigin),
    fields: z.array(activityField),
    explanation,
    deliveries: z.array(deliverySchema),
    history: z.array(z.object({ at: time, step: text, detail: anyObject })),
    contactUrl: text.optional().meta({ description: "Where people see the contact in the CRM." }),
    recordingUrl: text.optional(),
    transcriptUrl: text.optional(),
  })
  .meta({ id: "CallDetail" });

/** The whole story of one call. */
export type CallDetail = z.infer<typeof callDetail>;

/** The story of a call, as far as the principal may know it. */
export async function detailOf(parts: Parts, group: CallGroup, principal: Principal): Promise<CallDetail> {
  const { flow, installations, mappings, recordings } = parts;
  const { row } = group;
  const { installation: name } = row.call;
  const explained = await explainGroup(flow.store, group);
  const { call, events, facts, deliveries, history, ...explanation } = callSeenBy(principal, explained);
  const installation = installations.get(name);
  const mapping = mappings.get(name)?.text();
  const fields: ActivityField[] =
    installation && mapping !== undefined && row.state !== "merged"
      ? await activityFields(flow, installation, { row, history: explained.history, mapping })
      : [];
  const links = hasRight(principal, "listen") ? await recordings.links() : undefined;
  const recordingUrl = row.call.recording && links?.recordingUrl(row);
  const contactUrl = row.contact && parts.installed?.recordUrlOf(name, row.contact);
  const transcriptUrl = row.call.transcript ? links?.transcriptUrl(row) : undefined;
  return {
    call,
    summary: summaryOf(row),
    ...(installation && { crm: installation.crm }),
    events,
    facts,
    fields: hasRight(principal, "listen") ? fields : withoutLinks(fields),
    explanation,
    deliveries,
    history,
    ...(contactUrl !== undefined && { contactUrl }),
    ...(recordingUrl !== undefined && { recordingUrl }),
    ...(transcriptUrl !== undefined && { transcriptUrl }),
  };
}
