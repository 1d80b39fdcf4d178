import { CrmError, messageOf } from "../../core/errors.ts";
import { maskAll, maskPeople } from "../../core/mask.ts";
import type { TrackedFollowUp } from "../../core/tracked-call.ts";
import type { FollowUpChange } from "../../store/contract.ts";
import type { Flow, Installation } from "../installation.ts";
import { taskOf } from "./follow-ups.ts";

const closedAtOnce = 100;
const longestPauseMs = 300_000;

/**
 * Closes the follow-ups of customers who have been reached, unless a person touched them: one request for many. Returns
 * how many there were. What the CRM does not take now is retried with growing pauses.
 */
export async function closeFollowUps(
  flow: Flow,
  installation: Installation,
  signal?: AbortSignal,
): Promise<number> {
  const { settings, crm } = installation;
  const now = flow.now();
  const due = await flow.store.dueFollowUps(settings.name, now, closedAtOnce);
  if (due.length === 0) return 0;
  let lost: unknown = new CrmError("later", "the CRM's answer said nothing about this task");
  const results = await closed().catch((error: unknown) => {
    if (signal?.aborted || !(error instanceof CrmError)) throw error;
    lost = error;
    flow.log.warn(
      { installation: settings.name, crm, reason: maskAll(error.message) },
      "follow-up tasks could not be closed; it will be retried",
    );
    return undefined;
  });
  await flow.store.changeFollowUps(
    due.map((row) => changeOf(row, results?.get(row.taskId ?? "") ?? lost, now)),
  );
  return due.length;

  async function closed() {
    return installation.connector.closeTasks?.(due.flatMap(taskOf), signal);
  }
}

function changeOf(row: TrackedFollowUp, result: unknown, now: number): FollowUpChange {
  const { call, attempts, taskId, reachedBy } = row;
  const step = (word: string, more: object = {}) => ({
    at: now,
    step: word,
    detail: { task: taskId, ...(reachedBy && { reached: reachedBy }), ...more },
  });
  const reason = reachedBy === undefined ? undefined : `the customer was reached in ${reachedBy}`;
  if (result === "closed")
    return { call, state: "closed", attempts, ...(reason && { reason }), step: step("follow-up closed") };
  if (result === "done")
    return {
      call,
      state: "closed",
      attempts,
      reason: "it was closed in the CRM",
      step: step("follow-up was closed"),
    };
  if (result === "touched") {
    const why = "a person changed it";
    return { call, state: "left", attempts, reason: why, step: step("follow-up left open", { why }) };
  }
  const why = maskPeople(messageOf(result));
  if (result instanceof CrmError && result.retry === "never")
    return { call, state: "left", attempts, reason: why, step: step("follow-up left open", { why }) };
  const pause = Math.min(longestPauseMs, 1_000 * 2 ** Math.min(attempts + 1, 12));
  const again = result instanceof CrmError ? (result.afterMs ?? pause) : pause;
  return { call, state: "open", attempts: attempts + 1, closeAt: now + Math.max(again, 1_000), reason: why };
}
