import type { RemovedCall } from "../../src/core/crm.ts";
import { CrmError } from "../../src/core/errors.ts";
import { inParts } from "../../src/lib/pace.ts";
import {
  failedCall,
  goneCall,
  isSettled,
  type ReadyCall,
  type SavedCall,
  type SettledCall,
} from "../../src/lib/saving.ts";
import type { HubspotWork } from "./account.ts";
import { refusedWith } from "./errors.ts";
import { leaveOut, mostRounds } from "./leave-out.ts";
import { createOnce, tooEarly } from "./look-back.ts";
import { type CallSchema, externalIdOf, readRecords } from "./read.ts";
import { type BatchRow, type RowAnswer, rowsAtOnce, type Stored, writeRows } from "./rows.ts";
import { keyProperties, mayLackKey } from "./schema.ts";
import { otherForms, type Properties, textsOf } from "./values.ts";

type CallToWrite = ReadyCall<Stored>;
type TextProperties = Record<string, string>;

/**
 * Creates the new calls and updates the others, each kind in one request per 100. What HubSpot refuses of a call is left
 * out, and the call is sent again, with the other refused ones and a few times at most.
 */
export async function writeCalls(
  work: HubspotWork,
  calls: readonly CallToWrite[],
  schema: CallSchema,
): Promise<(SavedCall<Stored> | SettledCall)[]> {
  const done: (SavedCall<Stored> | SettledCall)[] = [];
  let waiting = calls;
  for (let round = 1; waiting.length > 0; round += 1) {
    const answers = await sendCalls(work, waiting, schema);
    const again: CallToWrite[] = [];
    for (const call of waiting) {
      const step = stepOf(call, answers.get(call.record.key), schema);
      const refusal = isSettled(step) && "failed" in step.result ? step.result.failed : undefined;
      const isLast = round === mostRounds;
      const smaller = refusal && round <= mostRounds ? leaveOut(work, call, refusal, isLast) : undefined;
      if (smaller) again.push(smaller);
      else done.push(step);
    }
    waiting = again;
  }
  return done;
}

async function sendCalls(
  work: HubspotWork,
  calls: readonly CallToWrite[],
  schema: CallSchema,
): Promise<Map<string, RowAnswer>> {
  const fresh = calls.filter(({ current }) => current === undefined);
  const sendNew = schema.keyed ? upsert : create;
  const made = await sendNew(work, fresh, schema);
  return new Map([...made, ...(await update(work, calls, schema))]);
}

/** A call without an answer is one without anything to write. */
function stepOf(
  call: CallToWrite,
  answer: RowAnswer | undefined,
  { known }: CallSchema,
): SavedCall<Stored> | SettledCall {
  const { record, current, wrote } = call;
  if (answer && "failed" in answer) {
    const isGone = current && /OBJECT_NOT_FOUND/.test(answer.failed.message);
    return isGone ? goneCall(record) : failedCall(record, answer.failed);
  }
  const stored = answer?.stored;
  const activityId = stored?.id ?? current?.id;
  if (activityId === undefined)
    return failedCall(record, new CrmError("later", "HubSpot's answer says nothing about this call"));
  return {
    ...call,
    activityId,
    created: current === undefined && stored?.created === true,
    ...(stored && { stored: otherForms(wrote, stored, known) }),
  };
}

function upsert({ send }: HubspotWork, calls: readonly CallToWrite[], { known }: CallSchema) {
  const idProperty = keyProperties.calls.name;
  const rows = calls.map(
    ({
      record: { key },
      wrote,
    }): BatchRow<{ id: string; idProperty: string; properties: TextProperties }> => ({
      ref: key,
      input: { id: key, idProperty, properties: { ...textsOf(wrote, known), [idProperty]: key } },
    }),
  );
  return writeRows(
    rows,
    (inputs) => send((client) => client.crm.objects.batchApi.upsert("calls", { inputs })),
    { refOf: ({ properties }) => properties[idProperty] ?? undefined },
  );
}

/** For an account that refuses our key. */
function create(
  { send, lookBack }: HubspotWork,
  calls: readonly CallToWrite[],
  { known }: CallSchema,
): Promise<Map<string, RowAnswer>> {
  const rows = calls.map(({ record, wrote }): BatchRow<{ properties: TextProperties; associations: [] }> => {
    const properties = { ...textsOf(wrote, known), hs_call_external_id: externalIdOf(record) };
    return { ref: record.key, input: { properties, associations: [] } };
  });
  return createOnce(
    lookBack,
    rows,
    (key) => key,
    (inputs) => send((client) => client.crm.objects.batchApi.create("calls", { inputs })),
  );
}

/** By HubSpot's id, so that a call that was deleted a moment ago is not created again. */
function update({ send }: HubspotWork, calls: readonly CallToWrite[], { known }: CallSchema) {
  const rows = calls.flatMap(
    ({ record: { key }, wrote, current }): BatchRow<{ id: string; properties: TextProperties }>[] =>
      current && Object.keys(wrote).length > 0
        ? [{ ref: key, input: { id: current.id, properties: textsOf(wrote, known) } }]
        : [],
  );
  const keys = new Map(rows.map(({ ref, input }) => [input.id, ref]));
  return writeRows(
    rows,
    (inputs) => send((client) => client.crm.objects.batchApi.update("calls", { inputs })),
    { refOf: ({ id }) => keys.get(id) },
  );
}

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
