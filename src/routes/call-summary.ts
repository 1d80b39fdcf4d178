import { z } from "zod";
import { mainAgent } from "../core/call.ts";
import { contactKinds } from "../core/contact.ts";
import { callStates, type TrackedCall } from "../core/tracked-call.ts";
import { text, time } from "./route.ts";

export const contactSchema = z.object({
  id: text,
  kind: z.enum(contactKinds),
  name: text.optional(),
});

export const callSummary = z
  .object({
    key: text,
    installation: text,
    provider: text,
    state: z.enum(callStates),
    phase: z.enum(["ringing", "answered", "ended"]),
    attempts: z.int(),
    revision: z.int(),
    direction: z.enum(["inbound", "outbound", "internal"]).optional(),
    outcome: text.optional(),
    customer: z.object({ number: text.optional(), name: text.optional() }).optional(),
    number: text.optional(),
    line: text.optional(),
    agent: z.object({ id: text, name: text.optional(), email: text.optional() }).optional().meta({
      description: "The agent who talked last, or else was called first. `id`: as the filter takes it.",
    }),
    startedAt: time.optional(),
    answeredAt: time.optional(),
    talkSeconds: z.number().optional(),
    reason: text.optional(),
    contact: contactSchema.optional(),
    candidate: contactSchema
      .optional()
      .meta({ description: "Whom the index has for the number of a call that is not logged yet." }),
    ownerId: text.optional(),
    activityId: text.optional(),
    nextTryAt: time.optional(),
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: "CallSummary" });

/** A call in a list, without its texts, which can be long. */
export type CallSummary = z.infer<typeof callSummary>;

export function summaryOf(row: TrackedCall): CallSummary {
  const { call, state, reason, attempts, number, contact, ownerId, activityId, decision, dueAt } = row;
  const {
    key,
    installation,
    provider,
    phase,
    direction,
    outcome,
    customer,
    line,
    startedAt,
    answeredAt,
    talkSeconds,
  } = call;
  const name = decision?.contact?.id === contact?.id ? decision?.contact?.name : undefined;
  return {
    key,
    installation,
    provider,
    state,
    phase,
    attempts,
    revision: call.revision,
    ...(direction && { direction }),
    ...(outcome && { outcome }),
    ...(customer && { customer }),
    ...(number !== undefined && { number }),
    ...(line !== undefined && { line }),
    ...agentOf(call),
    ...(startedAt !== undefined && { startedAt }),
    ...(answeredAt !== undefined && { answeredAt }),
    ...(talkSeconds !== undefined && { talkSeconds }),
    ...(reason !== undefined && { reason }),
    ...(contact && { contact: { ...contact, ...(name !== undefined && { name }) } }),
    ...(ownerId !== undefined && { ownerId }),
    ...(activityId !== undefined && { activityId }),
    ...(dueAt !== undefined && { nextTryAt: new Date(dueAt).toISOString() }),
    createdAt: new Date(row.createdAt).toISOString(),
    updatedAt: new Date(row.updatedAt).toISOString(),
  };
}

function agentOf({ agents }: TrackedCall["call"]): Pick<CallSummary, "agent"> {
  const agent = mainAgent(agents);
  const id = agent?.email ?? agent?.ids[0];
  if (!agent || id === undefined) return {};
  const { name, email } = agent;
  return { agent: { id, ...(name !== undefined && { name }), ...(email !== undefined && { email }) } };
}
