import type { RemovedCall } from "../../src/core/contracts.ts";
import { inParts } from "../../src/lib/pace.ts";
import { rowsAtOnce, type Stored } from "./batch.ts";
import { refusedWith } from "./errors.ts";
import { readRecords, tooEarly } from "./find-calls.ts";
import type { Asking } from "./transport.ts";
import type { Tools } from "./work.ts";

/** Archives calls; those that are gone already are fine. Throws `CrmError`, also when it is too early to find one. */
export async function removeCalls(tools: Tools, activities: readonly RemovedCall[]): Promise<void> {
  const { transport, portal, lookBack } = tools;
  const asking: Asking = { what: "HubSpot, removing calls of merged legs", priority: "deliver" };
  const idOf = ({ key, activityId }: RemovedCall) => activityId ?? lookBack.idOf(key);
  const ids = activities.flatMap((call) => idOf(call) ?? []);
  const doubtful = activities.filter((call) => idOf(call) === undefined).map(({ key }) => key);
  const keyed = doubtful.length === 0 || (await portal.hasKey("calls"));
  const waitMs = keyed ? 0 : Math.max(...doubtful.map((key) => lookBack.waitOf(key)));
  const old = waitMs > 0 ? [] : doubtful;
  const found: Map<string, Stored> = keyed
    ? await readRecords(transport, "calls", old, { by: "key", properties: [] }, asking)
    : await lookBack.find(old.flatMap(externalIdsOf), [], asking);
  for (const part of inParts([...ids, ...[...found.values()].map(({ id }) => id)], rowsAtOnce)) {
    const inputs = part.map((id) => ({ id }));
    await transport
      .ask(asking, (client) => client.crm.objects.batchApi.archive("calls", { inputs }))
      .catch((error: unknown) => {
        if (!refusedWith(error, 404)) throw error;
      });
  }
  if (waitMs > 0) throw tooEarly(waitMs);
}

/** What a call may have been sent with: the provider's own id, with which a key ends, or else the key. */
function externalIdsOf(key: string): { key: string; externalId: string }[] {
  const own = key.split(":").slice(2).join(":");
  return [own, key].map((externalId) => ({ key, externalId }));
}
