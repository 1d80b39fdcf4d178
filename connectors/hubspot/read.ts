import type { CallRecord } from "../../src/core/crm.ts";
import { inParts } from "../../src/lib/pace.ts";
import { type FoundCall, failedCall, goneCall, type SettledCall } from "../../src/lib/saving.ts";
import type { HubspotWork } from "./account.ts";
import { refusedWith } from "./errors.ts";
import { tooEarly } from "./look-back.ts";
import { rowsAtOnce, type Stored, storedIn } from "./rows.ts";
import { type DescribedType, keyProperties, mayLackKey } from "./schema.ts";
import type { AccountRequests } from "./transport.ts";
import { type Properties, propertyNameOf } from "./values.ts";

export type CallSchema = {
  /** Whether the account has our unique property on calls. */
  keyed: boolean;
  known: Properties;
};

/** The records that exist, by the ids or keys given. Archived ones do not count. */
export async function readRecords(
  { send }: AccountRequests,
  ids: readonly string[],
  { type, by, properties }: { type: DescribedType; by: "id" | "key"; properties: readonly string[] },
): Promise<Map<string, Stored>> {
  const found = new Map<string, Stored>();
  const key = type === "companies" ? undefined : keyProperties[type].name;
  const idProperty = by === "key" && key ? { idProperty: key } : {};
  const wanted = [...new Set([...properties, ...(key ? [key] : [])])];
  for (const part of inParts([...new Set(ids)], rowsAtOnce)) {
    const input = {
      ...idProperty,
      inputs: part.map((id) => ({ id })),
      properties: wanted,
      propertiesWithHistory: [],
    };
    const body = await send((client) => client.crm.objects.batchApi.read(type, input)).catch(
      (error: unknown) => {
        // None of them exists.
        if (refusedWith(error, 404)) return undefined;
        throw error;
      },
    );
    for (const { stored } of body === undefined ? [] : storedIn(body)) {
      const ref = by === "id" ? stored.id : stored.properties[key ?? ""];
      if (ref) found.set(ref, stored);
    }
  }
  return found;
}

/**
 * Reads what HubSpot has of calls: those whose id is known, and those whose answer was lost. A call that was never sent
 * is not read.
 */
export async function readCalls(
  work: HubspotWork,
  calls: readonly FoundCall<Stored>[],
  { keyed, known }: CallSchema,
): Promise<(FoundCall<Stored> | SettledCall)[]> {
  const { lookBack } = work;
  const properties = namesIn(calls);
  const ids = new Map(
    calls.flatMap(({ record: { key, activityId } }) => {
      const id = activityId ?? lookBack.idOf(key);
      return id === undefined ? [] : [[key, id] as const];
    }),
  );
  const idList = [...ids.values()];
  const byId = await readRecords(work, idList, { type: "calls", by: "id", properties });

  const doubtful = calls
    .map(({ record }) => record)
    .filter((record) => !ids.has(record.key) && wasSent(record));
  const keys = keyed ? doubtful.map(({ key }) => key) : [];
  const byKey = await readRecords(work, keys, { type: "calls", by: "key", properties });

  const unkeyed = doubtful.filter(
    ({ key, sentAt }) => !byKey.has(key) && (!keyed || mayLackKey(known, "calls", sentAt)),
  );
  const waits = new Map(unkeyed.map(({ key }) => [key, lookBack.waitOf(key)]));
  const late = unkeyed.filter(({ key }) => waits.get(key) === 0);
  const byExternalId = await lookBack.find(
    work,
    late.map((record) => ({ key: record.key, externalId: externalIdOf(record) })),
    properties,
  );

  return calls.map((call) => {
    const { key } = call.record;
    const id = ids.get(key);
    const waitMs = waits.get(key) ?? 0;
    if (waitMs > 0) return failedCall(call.record, tooEarly(waitMs));
    const current = id === undefined ? (byKey.get(key) ?? byExternalId.get(key)) : byId.get(id);
    if (current) return { ...call, current };
    return id === undefined ? call : goneCall(call.record);
  });
}

function wasSent({ sentAt, ours }: CallRecord): boolean {
  return sentAt !== undefined || Object.keys(ours).length > 0;
}

/** By what a call is found where the account refuses our key: the mapping's own id of the call, or our key. */
export function externalIdOf({ key, fields }: CallRecord): string {
  const mapped = fields["hs_call_external_id"];
  return mapped === undefined || mapped === "" ? key : String(mapped);
}

function namesIn(calls: readonly FoundCall<Stored>[]): string[] {
  const names = calls.flatMap(({ record }) => Object.keys(record.fields).map(propertyNameOf));
  return [...new Set([...names, "hubspot_owner_id", "hs_timestamp"])];
}
