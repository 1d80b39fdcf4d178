import type { FollowUp, FollowUpStanding, Fields as Values } from "../../src/core/crm.ts";
import { CrmError } from "../../src/core/errors.ts";
import type { TaskWork } from "./account.ts";
import { rowFailure } from "./errors.ts";
import { type Current, shortId, tasksById } from "./read.ts";
import { sendRows, update } from "./rows.ts";
import type { ObjectFields } from "./schema.ts";
import { closedStatus, formOf, type ObjectRow } from "./values.ts";

type Closed = "closed" | "touched" | "done" | CrmError;

/** Salesforce moves these itself, e.g. when a lead is converted. */
const links = new Set(["WhoId", "WhatId"]);

/** The fields that a follow-up was created with and that a person may change. */
export function wroteOf(row: Readonly<ObjectRow>, keyName: string): Values {
  const isOurs = (name: string) => name !== keyName && !links.has(name);
  return Object.fromEntries(
    Object.entries(row).flatMap(([name, value]) => (isOurs(name) && value !== null ? [[name, value]] : [])),
  );
}

/** How follow-up tasks stand now. Deleted ones count as done. */
export async function standingsOf(
  work: TaskWork,
  given: readonly FollowUp[],
): Promise<Map<string, FollowUpStanding>> {
  const names = [...new Set(["IsClosed", "Status", ...given.flatMap(({ wrote }) => Object.keys(wrote))])];
  const ids = given.map(({ id }) => id);
  const found = await tasksById(work, ids, names);
  return new Map(given.map(({ id, wrote }) => [id, standingOf(wrote, found.get(shortId(id)), work.fields)]));
}

/** Closes those that are open and unchanged, with a closed Status of the org. */
export async function closeFollowUps(
  work: TaskWork,
  given: readonly FollowUp[],
): Promise<Map<string, Closed>> {
  const { connection, schema, fields } = work;
  const now = await standingsOf(work, given);
  const status = closedStatus(fields);
  const results = new Map<string, Closed>();
  const open: string[] = [];
  for (const [id, standing] of now) {
    if (standing === "open") open.push(id);
    else results.set(id, standing);
  }
  if (open.length === 0) return results;
  if (status === undefined) {
    const message = "Salesforce does not show which Status of a Task is closed: let our user read TaskStatus";
    for (const id of open) results.set(id, new CrmError("never", message));
    return results;
  }
  const rows = open.map((Id): Values => ({ Id, Status: status }));
  const sent = await sendRows(rows, update(connection), { atOnce: false, isOutdated: schema.forget });
  for (const [i, id] of open.entries()) {
    const result = sent[i];
    if (result && "id" in result) results.set(id, "closed");
    else if (result && "lost" in result) results.set(id, result.lost);
    else results.set(id, rowFailure("closing the follow-up task", result?.faults ?? []));
  }
  return results;
}

function standingOf(
  wrote: Readonly<Values>,
  current: Current | undefined,
  fields: ObjectFields,
): FollowUpStanding {
  if (!current || current.deleted || current.values["IsClosed"] === true) return "done";
  const isSame = Object.entries(wrote).every(([name, value]) => {
    const form = (one: typeof value | null | undefined) =>
      one === null || one === undefined || one === "" ? "" : String(formOf(fields.get(name), one));
    return form(current.values[name]) === form(value);
  });
  return isSame ? "open" : "touched";
}
