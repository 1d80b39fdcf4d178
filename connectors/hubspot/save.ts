import type { CallRecord, SaveResult } from "../../src/core/crm.ts";
import { CrmError } from "../../src/core/errors.ts";
import {
  type FoundCall,
  failedCall,
  openBatch,
  type ReadyCall,
  type SettledCall,
} from "../../src/lib/saving.ts";
import type { HubspotWork } from "./account.ts";
import { associates, linkCalls } from "./associations.ts";
import { refusedWith } from "./errors.ts";
import { withFollowUps } from "./follow-up.ts";
import { readCalls } from "./read.ts";
import type { Stored } from "./rows.ts";
import { lacksKey } from "./schema.ts";
import { contactsFor } from "./unknown-callers.ts";
import { changeOf, dated, type Properties } from "./values.ts";
import { writeCalls } from "./write.ts";

/**
 * Saves a batch in one request for each kind of work: what may exist is read, all is written, then associated. Of
 * records with the same key the last one counts.
 */
export async function saveCalls(work: HubspotWork, records: readonly CallRecord[]): Promise<SaveResult[]> {
  if (records.length === 0) return [];
  const keyed = await work.schema.hasKey("calls", work.signal);
  const saving = () => save(work, records, keyed);
  const results = await (keyed ? saving() : work.callsInTurn(saving)).catch((error: unknown) => {
    throw error instanceof CrmError ? withSchemaForgotten(work, error) : error;
  });
  return results.map((result) =>
    "failed" in result ? { ...result, failed: withSchemaForgotten(work, result.failed) } : result,
  );
}

/** When a property of ours was deleted, the schema is read again before the calls are retried. */
function withSchemaForgotten({ schema }: HubspotWork, error: CrmError): CrmError {
  if (!lacksKey(error)) return error;
  schema.forget();
  const message = `${error.message}. The account's properties are read again`;
  return new CrmError("later", message, { cause: error, afterMs: 1_000 });
}

async function save(
  work: HubspotWork,
  records: readonly CallRecord[],
  keyed: boolean,
): Promise<SaveResult[]> {
  const batch = openBatch(records);
  const accepted = batch.open(batch.records.map(unlessUnknownType));
  if (accepted.length === 0) return batch.results([]);
  const schema = { keyed, known: await work.schema.properties("calls", work.signal) };
  const calls = accepted.map((record) => playable(work, record, schema.known));
  const found = batch.open(await readCalls(work, calls, schema));
  const matched = batch.open(await withContacts(work, found));
  const ready = matched.map((call) => readyCall(work, call, schema.known));
  const written = batch.open(await writeCalls(work, ready, schema));
  const linked = batch.open(await linkCalls(work, written));
  return batch.results(batch.open(await withFollowUps(work, linked)));
}

function unlessUnknownType(record: CallRecord): CallRecord | SettledCall {
  const unknown = Object.keys(record.associate ?? {}).find(
    (type) => !associates.some((name) => name === type),
  );
  if (unknown === undefined) return record;
  const cure = `use one of ${associates.join(", ")} under "associate" in the mapping`;
  return failedCall(record, new CrmError("never", `calls cannot be associated with a ${unknown}: ${cure}`));
}

/** Takes only a link to a public https address. */
export const recordingField = "hs_call_recording_url";

/**
 * The call without a link that HubSpot cannot play: it refuses a call with one. Unverified: that it refuses a private
 * host, which it could not reach.
 */
function playable(work: HubspotWork, record: CallRecord, known: Properties): FoundCall<Stored> {
  const { player, takesLink, warn } = work;
  const { contact } = record;
  const { [recordingField]: link, ...fields } = record.fields;
  const isFine = link === undefined || link === "" || takesLink(String(link));
  const why = "HubSpot takes only links to a public https:// address; set publicUrl to one";
  if (!isFine) warn(`calls are logged without the link to their recording: ${why}`);
  return {
    record: player.withApp(isFine ? record : { ...record, fields }, known),
    without: isFine ? [] : [`the link to the recording: ${why}`],
    ...(contact && { contact }),
  };
}

/** Creates contacts for unknown callers, except for a call that had a contact before: a person may have removed it. */
async function withContacts(
  work: HubspotWork,
  calls: readonly FoundCall<Stored>[],
): Promise<(FoundCall<Stored> | SettledCall)[]> {
  const wanted = calls.filter(
    ({ record, contact }) => record.createContact && !contact && record.ours["contactId"] === undefined,
  );
  const unknown = wanted.flatMap(({ record }) =>
    record.createContact ? [{ record, number: record.createContact.number }] : [],
  );
  // When the account may not create contacts, the call is logged, and its caller is looked up later.
  const answers = await contactsFor(work.named("HubSpot, making a contact"), unknown).catch(
    (error: unknown) => {
      if (!refusedWith(error, 403)) throw error;
      return new Map(unknown.map(({ number }) => [number, error]));
    },
  );
  return calls.map((call) => {
    const answer = wanted.includes(call) && answers.get(call.record.createContact?.number ?? "");
    if (!answer) return call;
    if (!(answer instanceof CrmError)) {
      const { id, kind, without = [] } = answer;
      return { ...call, contact: { id, kind }, without: [...call.without, ...without] };
    }
    const isPassing = (answer.retry === "later" && !refusedWith(answer, 403)) || lacksKey(answer);
    if (isPassing) return failedCall(call.record, answer);
    return { ...call, without: [...call.without, `a contact for its caller: ${answer.message}`] };
  });
}

function readyCall(
  { context, warn }: HubspotWork,
  call: FoundCall<Stored>,
  known: Properties,
): ReadyCall<Stored> {
  const without = [...call.without];
  const change = changeOf(call.record, known, call.current, (field, sentence) => {
    warn(`${sentence}: calls are logged without it`);
    without.push(`${field}: ${sentence}`);
  });
  const wrote = call.current ? change.wrote : dated(change.wrote, context.now());
  return { ...call, wrote, leftAlone: change.leftAlone, without };
}
