import type { RemovedCall } from "../../src/core/crm.ts";
import { inParts } from "../../src/lib/pace.ts";
import type { HubspotWork } from "./account.ts";
import { refusedWith } from "./errors.ts";
import { tooEarly } from "./look-back.ts";
import { readRecords } from "./read.ts";
import { rowsAtOnce } from "./rows.ts";
import { mayLackKey } from "./schema.ts";
import type { Properties } from "./values.ts";

/** Archives calls; those that are archived already are ignored. Throws `CrmError`, also when a search would be too early. */
export async function removeCalls(work: HubspotWork, activities: readonly RemovedCall[]): Promise<void> {
  const { schema, lookBack } = work;
  const idOf = ({ key, activityId }: RemovedCall) => activityId ?? lookBack.idOf(key);
  const ids = activities.flatMap((call) => idOf(call) ?? []);
  const doubtful = activities.filter((call) => idOf(call) === undefined);
  const keyed = doubtful.length === 0 || (await schema.hasKey("calls"));
  const known: Properties = doubtful.length === 0 ? new Map() : await schema.properties("calls");
  const keys = keyed ? doubtful.map(({ key }) => key) : [];
  const byKey = await readRecords(work, keys, { type: "calls", by: "key", properties: [] });
  const unkeyed = doubtful.filter(
    ({ key, sentAt }) => !keyed || (!byKey.has(key) && mayLackKey(known, "calls", sentAt)),
  );
  const waitMs = Math.max(0, ...unkeyed.map(({ key }) => lookBack.waitOf(key)));
  const old = waitMs > 0 ? [] : unkeyed.flatMap(({ key }) => externalIdsOf(key));
  const byId = await lookBack.find(work, old, []);
  const found = [...byKey.values(), ...byId.values()].map(({ id }) => id);
  for (const part of inParts([...ids, ...found], rowsAtOnce)) {
    const inputs = part.map((id) => ({ id }));
    await work
      .send((client) => client.crm.objects.batchApi.archive("calls", { inputs }))
      .catch((error: unknown) => {
        if (!refusedWith(error, 404)) throw error;
      });
  }
  if (waitMs > 0) throw tooEarly(waitMs);
}

/** The ids that a call may have been sent with: the provider's own, which ends the key, or the key. */
function externalIdsOf(key: string): { key: string; externalId: string }[] {
  const own = key.split(":").slice(2).join(":");
  return [own, key].map((externalId) => ({ key, externalId }));
}
