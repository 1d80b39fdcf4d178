import { z } from "zod";
import { Rejected } from "../core/errors.ts";
import { callStates, followUpStates, type TrackedCall } from "../core/tracked-call.ts";
import { explainCall } from "../flow/explain/explain.ts";
import { type ActivityField, activityFields } from "../flow/explain/fields.ts";
import { deleteRecording } from "../flow/recordings/follow.ts";
import { nextLink } from "../flow/recordings/links.ts";
import type { Parts } from "../server/assemble.ts";
import { callSummary, contactSchema, summaryOf } from "./calls.ts";
import { deliverySchema } from "./deliveries.ts";
import { adminRoute, anyObject, json, noCall, pathParameter, type Route, text, time } from "./route.ts";

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

const callDetail = z
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
    recordingUrl: text.optional(),
    transcriptUrl: text.optional(),
  })
  .meta({ id: "CallDetail" });

/** The whole story of one call. */
export type CallDetail = z.infer<typeof callDetail>;

const retried = z.object({ key: text, state: z.enum(callStates) }).meta({ id: "Retried" });

/** One call: its explanation, a retry, and its recording. */
export function callRoutes(parts: Parts): Route[] {
  const { flow, archive, installations, recordings, wake } = parts;
  const { store } = flow;
  const path = "/api/calls/:key";

  const find = async (key: string): Promise<TrackedCall> => {
    const row = (await store.call(key))?.row;
    if (row) return row;
    throw noSuchCall(key);
  };

  return [
    adminRoute({
      method: "get",
      path,
      summary: "One call: its events, why it looks as it does, what was received and what the CRM got.",
      replies: { 200: json("The call.", callDetail), ...noCall },
      handle: async (request, response) => {
        const row = await find(pathParameter(request, "key"));
        const detail = await detailOf(parts, row);
        if (!detail) throw noSuchCall(row.call.key);
        response.json(detail);
      },
    }),

    adminRoute({
      method: "post",
      path: `${path}/retry`,
      summary: "Logs a call once more, now.",
      replies: {
        202: json("It is logged next.", retried),
        ...noCall,
        409: "The call is not over, or is part of another one.",
      },
      handle: async (request, response) => {
        const key = pathParameter(request, "key");
        const row = await find(key);
        const { installation } = row.call;
        if (!installations.has(installation)) {
          throw new Rejected(
            409,
            `installation ${installation} is not in the configuration any more: add it again, then retry`,
          );
        }
        if (!(await store.retry(key, flow.now()))) throw new Rejected(409, whyNoRetry(row));
        wake(installation);
        response.status(202).json({ key, state: "waiting" });
      },
    }),

    adminRoute({
      method: "post",
      path: `${path}/replay`,
      summary: "Decodes a call's webhooks again with the present decoders, and logs what changes.",
      replies: {
        202: json("They are decoded next.", z.object({ key: text, deliveries: z.int() })),
        ...noCall,
        409: "Its webhooks are not stored any more.",
      },
      handle: async (request, response) => {
        const row = await find(pathParameter(request, "key"));
        const { key, installation } = row.call;
        const ids = await deliveryIdsOf(parts, key);
        if (ids.length === 0)
          throw new Rejected(
            409,
            "the webhooks of this call are not stored any more, so there is nothing to decode",
          );
        await store.replay(ids, flow.now());
        wake(installation);
        response.status(202).json({ key, deliveries: ids.length });
      },
    }),

    adminRoute({
      method: "post",
      path: `${path}/recording/link`,
      summary: "Replaces the link to a call's recording, also in the CRM; the previous link stops playing.",
      replies: {
        200: json("The new link.", z.object({ key: text, url: text })),
        ...noCall,
        409: "The call has no recording, or it was deleted.",
      },
      handle: async (request, response) => {
        const row = await find(pathParameter(request, "key"));
        if (!row.call.recording)
          throw new Rejected(409, "this call has no recording, so there is no link to replace");
        if ((await store.recording(row.id))?.state === "deleted")
          throw new Rejected(409, "the recording of this call was deleted, so there is no link to replace");
        const link = nextLink(row.link);
        await store.relink(row.id, link, flow.now());
        wake(row.call.installation);
        const links = await recordings.links();
        response
          .set("cache-control", "no-store")
          .json({ key: row.call.key, url: links.recordingUrl({ ...row, link }) });
      },
    }),

    adminRoute({
      method: "delete",
      path: `${path}/recording`,
      summary: "Deletes the copy of a call's recording and revokes its link for good.",
      replies: {
        200: json("It is deleted.", z.object({ key: text, deleted: z.boolean() })),
        202: json(
          "No link plays it any more; its copy is removed as soon as the archive can be reached.",
          z.object({ key: text, deleted: z.boolean(), copy: text }),
        ),
        ...noCall,
      },
      handle: async (request, response) => {
        const row = await find(pathParameter(request, "key"));
        const waits = await deleteRecording({ flow, archive }, row);
        wake(row.call.installation);
        const { key } = row.call;
        if (waits === undefined) return response.json({ key, deleted: true });
        response
          .status(202)
          .json({ key, deleted: true, copy: `it is removed as soon as that can be done: ${waits}` });
      },
    }),
  ];
}

async function detailOf(parts: Parts, row: TrackedCall): Promise<CallDetail | undefined> {
  const { flow, installations, mappings, recordings } = parts;
  const { key, installation: name } = row.call;
  const explained = await explainCall(flow.store, key);
  if (!explained) return undefined;
  const { call, events, facts, deliveries, history, ...explanation } = explained;
  const installation = installations.get(name);
  const mapping = mappings.get(name)?.text();
  const fields: ActivityField[] =
    installation && mapping !== undefined && row.state !== "merged"
      ? await activityFields(flow, installation, { row, history: await flow.store.history(row.id), mapping })
      : [];
  const links = await recordings.links();
  const recordingUrl = row.call.recording && links.recordingUrl(row);
  const transcriptUrl = row.call.transcript ? links.transcriptUrl(row) : undefined;
  return {
    call,
    summary: summaryOf(row),
    ...(installation && { crm: installation.crm }),
    events,
    facts,
    fields,
    explanation,
    deliveries,
    history,
    ...(recordingUrl !== undefined && { recordingUrl }),
    ...(transcriptUrl !== undefined && { transcriptUrl }),
  };
}

async function deliveryIdsOf({ flow }: Parts, key: string): Promise<number[]> {
  const ids: number[] = [];
  for (let after = 0; ; after = ids.at(-1) ?? after) {
    const page = await flow.store.deliveriesIn({ key }, after, 200);
    if (page.length === 0) return ids;
    ids.push(...page.map(({ id }) => id));
  }
}

function noSuchCall(key: string): Rejected {
  return new Rejected(
    404,
    `there is no call ${JSON.stringify(key.slice(0, 200))}: GET /api/calls lists them`,
  );
}

function whyNoRetry({ state, mergedInto }: TrackedCall): string {
  if (state === "merged" || mergedInto !== undefined) {
    return "this leg belongs to another call: GET /api/calls/<key> says which one; retry that";
  }
  return "this call is not over yet: it is logged by itself when it ends";
}
