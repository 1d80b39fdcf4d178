import { type CallSchema, failed, type SaveTools, type Work } from "./account.ts";
import { readRecords, tooEarly } from "./look-back.ts";
import { mayLackKey } from "./schema.ts";
import type { DescribedRequest } from "./transport.ts";
import { propertyNameOf } from "./values.ts";

/**
 * Reads what HubSpot has now of the calls that it may have: those it told us the id of, and those whose answer was
 * lost. A call that was never sent is not read. One that a person deleted is `gone`.
 */
export async function currentOf(
  { transport, lookBack }: SaveTools,
  works: readonly Work[],
  { keyed, known }: CallSchema,
  asking: DescribedRequest,
): Promise<void> {
  const properties = namesIn(works);
  const idOf = ({ record }: Work) => record.activityId ?? lookBack.idOf(record.key);
  const withId = works.filter((work) => idOf(work) !== undefined);
  const ids = withId.flatMap((work) => idOf(work) ?? []);
  const byId = await readRecords(transport, ids, { type: "calls", by: "id", properties }, asking);
  for (const work of withId) {
    const current = byId.get(idOf(work) ?? "");
    if (current) work.current = current;
    else work.result = { key: work.record.key, gone: true };
  }

  const doubtful = works.filter((work) => idOf(work) === undefined && wasSent(work));
  if (keyed) {
    const keys = doubtful.map(({ record }) => record.key);
    const byKey = await readRecords(transport, keys, { type: "calls", by: "key", properties }, asking);
    for (const work of doubtful) {
      const current = byKey.get(work.record.key);
      if (current) work.current = current;
    }
  }
  const unkeyed = doubtful.filter(
    ({ current, record }) => !keyed || (!current && mayLackKey(known, "calls", record.sentAt)),
  );
  for (const work of unkeyed) {
    const waitMs = lookBack.waitOf(work.record.key);
    if (waitMs > 0) work.result = failed(work, tooEarly(waitMs));
  }
  const sent = unkeyed.filter(({ result }) => result === undefined);
  const calls = sent.map(({ record }) => ({ key: record.key, externalId: externalIdOf(record) }));
  const found = await lookBack.find(calls, properties, asking);
  for (const work of sent) {
    const current = found.get(work.record.key);
    if (current) work.current = current;
  }
}

function wasSent({ record: { sentAt, ours } }: Work): boolean {
  return sentAt !== undefined || Object.keys(ours).length > 0;
}

/** What a call is found by where the account refuses our key; the mapping's own id of the call, or our key. */
export function externalIdOf({ key, fields }: Work["record"]): string {
  const mapped = fields["hs_call_external_id"];
  return mapped === undefined || mapped === "" ? key : String(mapped);
}

function namesIn(works: readonly Work[]): string[] {
  const names = works.flatMap(({ record }) => Object.keys(record.fields).map(propertyNameOf));
  return [...new Set([...names, "hubspot_owner_id", "hs_timestamp"])];
}
