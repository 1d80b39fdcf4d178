import type { RemovedCall } from "../../src/core/contracts.ts";
import { inParts } from "../../src/lib/pace.ts";
import type { SaveTools } from "./account.ts";
import { refusedWith } from "./errors.ts";
import { readRecords, tooEarly } from "./look-back.ts";
import { rowsAtOnce } from "./rows.ts";
import { mayLackKey } from "./schema.ts";
import type { DescribedRequest } from "./transport.ts";
import type { Properties } from "./values.ts";

/** Archives calls; those that are gone already are fine. Throws `CrmError`, also when it is too early to find one. */
export async function removeCalls(tools: SaveTools, activities: readonly RemovedCall[]): Promise<void> {
  const { transport, portal, lookBack } = tools;
  const asking: DescribedRequest = { what: "HubSpot, removing calls of merged legs", priority: "deliver" };
  const idOf = ({ key, activityId }: RemovedCall) => activityId ?? lookBack.idOf(key);
  const ids = activities.flatMap((call) => idOf(call) ?? []);
  const doubtful = activities.filter((call) => idOf(call) === undefined);
  const keyed = doubtful.length === 0 || (await portal.hasKey("calls"));
  const known: Properties = doubtful.length === 0 ? new Map() : await portal.properties("calls");
  const keys = keyed ? doubtful.map(({ key }) => key) : [];
  const byKey = await readRecords(transport, keys, { type: "calls", by: "key", properties: [] }, asking);
  const unkeyed = doubtful.filter(
    ({ key, sentAt }) => !keyed || (!byKey.has(key) && mayLackKey(known, "calls", sentAt)),
  );
  const waitMs = Math.max(0, ...unkeyed.map(({ key }) => lookBack.waitOf(key)));
  const old = waitMs > 0 ? [] : unkeyed.flatMap(({ key }) => externalIdsOf(key));
  const byId = await lookBack.find(old, [], asking);
  const found = [...byKey.values(), ...byId.values()].map(({ id }) => id);
  for (const part of inParts([...ids, ...found], rowsAtOnce)) {
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
