import type { RemovedCall } from "../../src/core/contracts.ts";
import { isObject } from "../../src/lib/body.ts";
import { inParts } from "../../src/lib/pace.ts";
import { faultIn, rowFailure, type SalesforceFault } from "./failure.ts";
import type { Desk } from "./item.ts";
import { shortId, tasksByKey } from "./tasks.ts";

/** Of ids in the URL of one request. */
const mostIds = 200;
const alreadyGone = new Set(["ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "NOT_FOUND"]);

/** Deletes the Tasks of these calls; those that are gone already are fine. Throws when one stays. */
export async function removeTasks({ connection, book }: Desk, calls: readonly RemovedCall[]): Promise<void> {
  const unknown = calls.filter(({ activityId }) => activityId === undefined).map(({ key }) => key);
  const found = await tasksByKey(connection, book, unknown, []);
  const present = [...found.values()].filter(({ deleted }) => !deleted).map(({ id }) => id);
  const ids = [...calls.flatMap(({ activityId }) => activityId ?? []), ...present];
  const distinct = [...new Map(ids.map((id) => [shortId(id), id])).values()];
  for (const part of inParts(distinct, mostIds)) {
    const answer: unknown = await connection.destroy("Task", part, { allOrNone: false });
    const faults = (Array.isArray(answer) ? answer : []).flatMap(faultsLeft);
    if (faults.length > 0) throw rowFailure("to delete a Task", faults);
  }
}

function faultsLeft(result: unknown): SalesforceFault[] {
  const errors: unknown = isObject(result) && result["success"] !== true ? result["errors"] : [];
  const faults = (Array.isArray(errors) ? errors : []).flatMap((one) => faultIn(one) ?? []);
  return faults.filter(({ code }) => !alreadyGone.has(code));
}
