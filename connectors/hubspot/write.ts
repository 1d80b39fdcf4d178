import type { CrmError } from "../../src/core/errors.ts";
import { type CallSchema, failed, type SaveTools, type Work } from "./account.ts";
import { leaveOut, mostRounds } from "./leave-out.ts";
import { createOnce } from "./look-back.ts";
import { externalIdOf } from "./read.ts";
import { type BatchRow, type RowAnswer, writeRows } from "./rows.ts";
import { keyProperties } from "./schema.ts";
import type { DescribedRequest } from "./transport.ts";
import { otherWritings, textsOf } from "./values.ts";

type TextProperties = Record<string, string>;

/**
 * Makes the new calls and updates the others, each kind in one request per 100. What HubSpot refuses of a call is left
 * out, and the call is sent again with the other refused ones, a few times at most.
 */
export async function writeCalls(
  tools: SaveTools,
  works: readonly Work[],
  schema: CallSchema,
  asking: DescribedRequest,
): Promise<void> {
  await write(tools, works, schema, asking);
  for (let round = 1; round <= mostRounds; round += 1) {
    const again = works.filter((work) => {
      const { result } = work;
      return result && "failed" in result && leaveOut(tools, work, result.failed, round === mostRounds);
    });
    if (again.length === 0) return;
    for (const work of again) delete work.result;
    await write(tools, again, schema, asking);
  }
}

async function write(
  tools: SaveTools,
  works: readonly Work[],
  schema: CallSchema,
  asking: DescribedRequest,
): Promise<void> {
  const { keyed, known } = schema;
  const fresh = works.filter(({ current }) => current === undefined);
  const changed = works.filter(({ current, wrote }) => current && Object.keys(wrote).length > 0);
  for (const work of works) if (work.current) work.saved = work.current;
  const made = keyed
    ? await upsert(tools, fresh, schema, asking)
    : await create(tools, fresh, schema, asking);
  const updated = await update(tools, changed, schema, asking);
  for (const work of [...fresh, ...changed]) {
    const answer = made.get(work.record.key) ?? updated.get(work.record.key);
    if (!answer) continue;
    if ("failed" in answer) {
      work.result = failedWrite(work, answer.failed);
      continue;
    }
    work.saved = answer.stored;
    work.created = work.current === undefined && answer.stored.created;
    work.stored = otherWritings(work.wrote, answer.stored, known);
  }
}

function upsert(
  { transport }: SaveTools,
  works: readonly Work[],
  { known }: CallSchema,
  asking: DescribedRequest,
) {
  const idProperty = keyProperties.calls.name;
  const rows = works.map(
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
    (inputs) => transport.ask(asking, (client) => client.crm.objects.batchApi.upsert("calls", { inputs })),
    { refOf: ({ properties }) => properties[idProperty] ?? undefined },
  );
}

/** For an account that refuses our key. */
async function create(
  { transport, lookBack }: SaveTools,
  works: readonly Work[],
  { known }: CallSchema,
  asking: DescribedRequest,
): Promise<Map<string, RowAnswer>> {
  const rows = works.map(({ record, wrote }): BatchRow<{ properties: TextProperties; associations: [] }> => {
    const properties = { ...textsOf(wrote, known), hs_call_external_id: externalIdOf(record) };
    return { ref: record.key, input: { properties, associations: [] } };
  });
  return createOnce(
    lookBack,
    rows,
    (key) => key,
    (inputs) => transport.ask(asking, (client) => client.crm.objects.batchApi.create("calls", { inputs })),
  );
}

/** By HubSpot's id, so that a call that was deleted a moment ago is not made again. */
function update(
  { transport }: SaveTools,
  works: readonly Work[],
  { known }: CallSchema,
  asking: DescribedRequest,
) {
  const rows = works.flatMap(
    ({ record: { key }, wrote, current }): BatchRow<{ id: string; properties: TextProperties }>[] =>
      current ? [{ ref: key, input: { id: current.id, properties: textsOf(wrote, known) } }] : [],
  );
  const keys = new Map(rows.map(({ ref, input }) => [input.id, ref]));
  return writeRows(
    rows,
    (inputs) => transport.ask(asking, (client) => client.crm.objects.batchApi.update("calls", { inputs })),
    { refOf: ({ id }) => keys.get(id) },
  );
}

function failedWrite(work: Work, error: CrmError): Work["result"] {
  const gone = work.current && /OBJECT_NOT_FOUND/.test(error.message);
  return gone ? { key: work.record.key, gone: true } : failed(work, error);
}
