import type { ListedFailures } from "../../../src/routes/failures.ts";
import type { Retry, RetryPlan } from "../../../src/routes/retries.ts";
import { api, type RawDelivery } from "../api.ts";

export type { ListedFailures, Retry, RetryPlan };
export type Group = ListedFailures["items"][number];
export type UnusedDelivery = Omit<RawDelivery, "headers" | "body" | "encoding" | "calls">;
/** What a retry takes: all dead calls, or those of one group. */
export type RetryFilter = { group?: string; installation?: string };

export function failureGroups(): Promise<ListedFailures> {
  return api("api/dead/groups");
}

export function retries(): Promise<{ items: Retry[] }> {
  return api("api/retries");
}

export function planRetry(filter: RetryFilter): Promise<RetryPlan> {
  return api("api/retries?plan=1", "POST", filter);
}

export function beginRetry(filter: RetryFilter): Promise<Retry> {
  return api("api/retries", "POST", filter);
}

export function cancelRetry(id: string): Promise<Retry> {
  return api(`api/retries/${id}`, "DELETE");
}

/** Hides a group of all its installations, or shows it again. */
export async function ignoreGroup({ group, installations }: Group, isIgnored: boolean): Promise<void> {
  const method = isIgnored ? "PUT" : "DELETE";
  for (const { name } of installations)
    await api(`api/installations/${name}/ignored-failures/${group}`, method);
}

export function unused(): Promise<{ items: UnusedDelivery[] }> {
  return api("api/unused?limit=200");
}
