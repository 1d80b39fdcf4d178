import type { RemovedCall } from "../../src/core/contracts.ts";
import { inParts } from "../../src/lib/pace.ts";
import type { HubspotAccount } from "./account.ts";
import { refusedWith } from "./errors.ts";
import { tooEarly } from "./look-back.ts";
import { readRecords } from "./read.ts";
import { rowsAtOnce } from "./rows.ts";
import { mayLackKey } from "./schema.ts";
import type { DescribedRequest } from "./transport.ts";
import type { Properties } from "./values.ts";

/** Archives calls; those that are archived already are ignored. Throws `CrmError`, also when a search would be too early. */
export async function removeCalls(
  account: HubspotAccount,
  activities: readonly RemovedCall[],
): Promise<void> {
  const { transport, schema, lookBack } = account;
  const request: DescribedRequest = { what: "HubSpot, removing calls of merged legs", priority: "deliver" };
  const idOf = ({ key, activityId }: RemovedCall) => activityId ?? lookBack.idOf(key);
  const ids = activities.flatMap((call) => idOf(call) ?? []);
  const doubtful = activities.filter((call) => idOf(call) === undefined);
  const keyed = doubtful.length === 0 || (await schema.hasKey("calls"));
  const known: Properties = doubtful.length === 0 ? new Map() : await schema.properties("calls");
  const keys = keyed ? doubtful.map(({ key }) => key) : [];
  const byKey = await readRecords(transport, keys, { type: "calls", by: "key", properties: [] }, request);
  const unkeyed = doubtful.filter(
    ({ key, sentAt }) => !keyed || (!byKey.has(key) && mayLackKey(known, "calls", sentAt)),
  );
  const waitMs = Math.max(0, ...unkeyed.map(({ key }) => lookBack.waitOf(key)));
  const old = waitMs > 0 ? [] : unkeyed.flatMap(({ key }) => externalIdsOf(key));
  const byId = await lookBack.find(old, [], request);
  const found = [...byKey.values(), ...byId.values()].map(({ id }) => id);
  for (const part of inParts([...ids, ...found], rowsAtOnce)) {
    const inputs = part.map((id) => ({ id }));
    await transport
      .send(request, (client) => client.crm.objects.batchApi.archive("calls", { inputs }))
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
