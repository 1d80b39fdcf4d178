import type { RemovedCall } from "../../core/crm.ts";
import { reasonOf } from "../../core/mask.ts";
import type { TrackedCall } from "../../core/tracked-call.ts";
import type { Flow, Installation } from "../installation.ts";
import { saveDelivered } from "./outcome.ts";

/** Removes the activities of legs that a transfer merged into other calls, including those that the CRM may have without having answered. */
export async function removeMerged(
  flow: Flow,
  { connector, crm }: Installation,
  rows: readonly TrackedCall[],
): Promise<void> {
  const activities = rows.flatMap(({ call, activityId, sentAt }): RemovedCall[] => {
    if (activityId !== undefined) return [{ key: call.key, activityId }];
    return sentAt === undefined ? [] : [{ key: call.key, sentAt }];
  });
  const at = flow.now();
  let problem: string | undefined;
  try {
    if (activities.length > 0) await connector.removeCalls?.(activities);
  } catch (error) {
    problem = reasonOf(error);
    flow.log.warn(
      { crm, reason: problem },
      "the activity of a merged leg could not be removed; it will be retried",
    );
  }
  const again = { reason: problem, dueAt: at + 60_000 };
  await saveDelivered(
    flow,
    rows.map((row) => ({
      id: row.id,
      key: row.call.key,
      installation: row.call.installation,
      revision: row.call.revision,
      state: "merged",
      attempts: row.attempts + 1,
      ...(problem !== undefined && again),
      step: {
        at,
        step: problem === undefined ? "removed" : "later",
        detail: { ...(problem !== undefined && { reason: problem }) },
      },
    })),
  );
}
