import type { CallRecord, Fields, FollowUp, FollowUpStanding } from "../../src/core/crm.ts";
import { addRecord, type Document, replaceRecord, textsOf } from "./document.ts";
import { fieldsIn, parseRecord, withMembers } from "./record.ts";

const done = "done";

/**
 * The follow-up of a call, created once. The activity records it, so that a deleted one is not created again.
 */
export function followUpOf(
  document: Document,
  { key, task, ours }: CallRecord,
  { contactId, ownerId, taskId }: Fields,
  region: string,
): FollowUp | undefined {
  if (!task || "taskId" in ours) return undefined;
  const links = { ...(contactId !== undefined && { contactId }), ...(ownerId !== undefined && { ownerId }) };
  const wrote = { ...links, ...task.fields };
  const place = document.taskPlaces.byKey.get(key);
  const found = place === undefined ? undefined : textsOf(document, "tasks").get(place);
  if (found) return { id: String(parseRecord(found)["id"]), wrote };
  if (taskId !== undefined) return { id: String(taskId), wrote };
  return { id: addRecord(document, "tasks", { key, ...wrote }, region), wrote };
}

export function standingsOf(document: Document, tasks: readonly FollowUp[]): Map<string, FollowUpStanding> {
  return new Map(tasks.map((task) => [task.id, standingOf(document, task)]));
}

export function closeTasks(
  document: Document,
  tasks: readonly FollowUp[],
): Map<string, "closed" | "touched" | "done"> {
  return new Map(
    tasks.map((task) => {
      const standing = standingOf(document, task);
      if (standing !== "open") return [task.id, standing];
      const place = document.taskPlaces.byId.get(task.id) ?? -1;
      const text = textsOf(document, "tasks").get(place);
      if (text) replaceRecord(document, "tasks", place, withMembers(text, { status: done }));
      return [task.id, "closed"];
    }),
  );
}

function standingOf(document: Document, { id, wrote }: FollowUp): FollowUpStanding {
  const place = document.taskPlaces.byId.get(id);
  const text = place === undefined ? undefined : textsOf(document, "tasks").get(place);
  if (!text) return "done";
  const { id: _, key: __, ...now } = fieldsIn(parseRecord(text));
  if (now["status"] === done) return "done";
  const names = new Set([...Object.keys(now), ...Object.keys(wrote)]);
  const isSame = [...names].every((name) => String(now[name] ?? "") === String(wrote[name] ?? ""));
  return isSame ? "open" : "touched";
}
