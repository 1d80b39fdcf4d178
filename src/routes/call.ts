import { z } from "zod";
import { type ContactRef, contactKinds } from "../core/contact.ts";
import { Rejected } from "../core/errors.ts";
import { callStates, chosenByPerson, type Decision, type TrackedCall } from "../core/tracked-call.ts";
import { deleteRecording } from "../flow/recordings/follow.ts";
import { nextLink } from "../flow/recordings/links.ts";
import type { Parts } from "../server/assemble.ts";
import { readJsonAs } from "./body.ts";
import { callDetail, detailOf } from "./call-detail.ts";
import { contactSchema } from "./call-summary.ts";
import { adminRoute, json, noCall, pathParameter, type Route, text } from "./route.ts";
import { noSuchCall, noteChange } from "./rules.ts";

const contactRef = z
  .strictObject({ id: z.string().trim().min(1).max(200), kind: z.enum(contactKinds) })
  .meta({ id: "ContactRef" });

const contactShape = { schema: contactRef, what: "contact", example: '{"kind": "contact", "id": "123"}' };

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
      needs: "view",
      summary: "One call: its events, why it looks as it does, what was received and what the CRM got.",
      replies: { 200: json("The call.", callDetail), ...noCall },
      handle: async (request, response, _, principal) => {
        const key = pathParameter(request, "key");
        const group = await store.call(key);
        if (!group) throw noSuchCall(key);
        response.json(await detailOf(parts, group, principal));
      },
    }),

    adminRoute({
      method: "post",
      path: `${path}/retry`,
      needs: "admin",
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
        noteChange(response, { before: { state: row.state }, after: { state: "waiting" } });
        wake(installation);
        response.status(202).json({ key, state: "waiting" });
      },
    }),

    adminRoute({
      method: "post",
      path: `${path}/replay`,
      needs: "admin",
      summary: "Decodes a call's webhooks again with the present decoders, and logs what changes.",
      replies: {
        202: json("They are decoded next.", z.object({ key: text, deliveries: z.int() })),
        ...noCall,
        409: "Its webhooks are not stored any more.",
      },
      handle: async (request, response) => {
        const row = await find(pathParameter(request, "key"));
        const { key, installation } = row.call;
        const deliveries = await store.deliveriesOf(row.id);
        const ids = deliveries.flatMap(({ id, kind }) => (kind === "erased" ? [] : id));
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
      path: `${path}/contact`,
      needs: "admin",
      summary:
        "Links a call to another contact, also in the CRM. It stays, whatever number or contacts come later.",
      body: contactRef,
      replies: {
        202: json("It is logged with this contact next.", z.object({ key: text, contact: contactSchema })),
        400: "Not a contact: which member is wrong.",
        ...noCall,
        409: "The call is part of another one, or the contact is not in the index.",
      },
      handle: async (request, response, _, principal) => {
        const row = await find(pathParameter(request, "key"));
        const { key, installation } = row.call;
        const ref = await readJsonAs(request, parts.room, contactShape);
        const contact = await store.contact(installation, ref);
        if (!contact)
          throw new Rejected(
            409,
            `the index has no ${ref.kind} ${ref.id}: GET /api/installations/${installation}/contacts?q= finds others`,
          );
        const chosen = { ...ref, ...(contact.name !== undefined && { name: contact.name }) };
        const decision = decidedBy(row, chosen, principal.name);
        if (
          !(await store.chooseContact(row.id, { contact: ref, decision, at: flow.now(), by: principal.name }))
        )
          throw new Rejected(409, whyNoRetry(row));
        noteChange(response, { before: { contact: row.contact }, after: { contact: ref } });
        wake(installation);
        response.status(202).json({ key, contact: chosen });
      },
    }),

    adminRoute({
      method: "post",
      path: `${path}/recording/link`,
      needs: ["admin", "listen"],
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
      needs: "admin",
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

type NamedContact = z.output<typeof contactSchema>;

/** The contacts that were not chosen stay candidates, the one before among them. */
function decidedBy({ decision, contact, number }: TrackedCall, chosen: NamedContact, by: string): Decision {
  const before = decision?.contact ?? contact;
  const others = [...(before ? [before] : []), ...(decision?.runnersUp ?? [])];
  const isChosen = ({ id, kind }: ContactRef) => id === chosen.id && kind === chosen.kind;
  return {
    ...decision,
    lookup: chosenByPerson,
    ...(number !== undefined && { number }),
    reason: `chosen by ${by}`,
    contact: chosen,
    runnersUp: others.filter((other) => !isChosen(other)),
  };
}

function whyNoRetry({ state, mergedInto }: TrackedCall): string {
  if (state === "merged" || mergedInto !== undefined) {
    return "this leg belongs to another call: GET /api/calls/<key> says which one; retry that";
  }
  return "this call is not over yet: it is logged by itself when it ends";
}
