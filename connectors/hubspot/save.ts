import type { CallRecord, SaveResult } from "../../src/core/contracts.ts";
import { CrmError } from "../../src/core/errors.ts";
import { associates, failed, type SaveTools, undated, type Work } from "./account.ts";
import { linkCalls } from "./associations.ts";
import { refusedWith } from "./errors.ts";
import { followUpsOf } from "./follow-up.ts";
import { currentOf } from "./read.ts";
import { lacksKey } from "./schema.ts";
import type { DescribedRequest } from "./transport.ts";
import { contactsFor } from "./unknown-callers.ts";
import { changeOf, type Properties } from "./values.ts";
import { writeCalls } from "./write.ts";

/**
 * Saves a batch in as few requests as there are kinds of work: what may be there already is read, all is written, then
 * associated. Of records with the same key the last one counts.
 */
export async function saveCalls(
  tools: SaveTools,
  records: readonly CallRecord[],
  signal?: AbortSignal,
): Promise<SaveResult[]> {
  if (records.length === 0) return [];
  const keyed = await tools.portal.hasKey("calls", signal);
  const saving = keyed ? save(tools, records, signal) : tools.inTurn(() => save(tools, records, signal));
  const results = await saving.catch((error: unknown) => {
    throw error instanceof CrmError ? readAnew(tools, error) : error;
  });
  return results.map((result) =>
    "failed" in result ? { ...result, failed: readAnew(tools, result.failed) } : result,
  );
}

/** Somebody may have taken a property of ours away: then the schema is read anew, and the calls are tried again. */
function readAnew({ portal }: SaveTools, error: CrmError): CrmError {
  if (!lacksKey(error)) return error;
  portal.forget();
  return new CrmError("later", `${error.message}. The account's properties are read anew`, {
    cause: error,
    afterMs: 1_000,
  });
}

async function save(
  tools: SaveTools,
  records: readonly CallRecord[],
  signal: AbortSignal | undefined,
): Promise<SaveResult[]> {
  const asking: DescribedRequest = { what: "HubSpot, logging calls", priority: "deliver", signal };
  const works = [...new Map(records.map((record) => [record.key, record])).values()].map(
    (record): Work => ({
      record,
      created: false,
      wrote: {},
      stored: {},
      kept: [],
      without: [],
      ...(record.contact && { contact: record.contact }),
    }),
  );
  for (const work of works) refuseUnknownTypes(work);
  const open = () => works.filter(({ result }) => result === undefined);
  if (open().length > 0) {
    const keyed = await tools.portal.hasKey("calls", signal);
    const known = await tools.portal.properties("calls", signal);
    for (const work of open()) {
      withoutUnplayable(work, tools);
      work.record = tools.player.withApp(work.record, known);
    }
    await currentOf(tools, open(), { keyed, known }, asking);
    await makeContacts(tools, open(), asking);
    plan(tools, open(), known);
    await writeCalls(tools, open(), { keyed, known }, asking);
    await linkCalls(tools, open(), asking);
    await makeFollowUps(tools, open(), asking).catch((error: unknown) => {
      // The account may not make tasks: the calls are logged all the same.
      if (!refusedWith(error, 403)) throw error;
      for (const work of open())
        if (work.record.task) work.without.push(`its follow-up task: ${error.message}`);
    });
  }
  return works.map(resultOf);
}

/** Takes only a link to a public https address. */
export const recordingField = "hs_call_recording_url";

/**
 * HubSpot plays recordings from https addresses only, and refuses a call that has another. Unverified: that it refuses a
 * private host, which it could not reach.
 */
function withoutUnplayable(work: Work, { warn, takesLink }: SaveTools): void {
  const { [recordingField]: link, ...fields } = work.record.fields;
  if (link === undefined || link === "" || takesLink(String(link))) return;
  const why = "HubSpot takes only links to a public https:// address; set publicUrl to one";
  warn(`calls are logged without the link to their recording: ${why}`);
  work.record = { ...work.record, fields };
  work.without.push(`the link to the recording: ${why}`);
}

function refuseUnknownTypes(work: Work): void {
  const strange = Object.keys(work.record.associate ?? {}).find(
    (type) => !associates.some((name) => name === type),
  );
  if (strange === undefined) return;
  const cure = `use one of ${associates.join(", ")} under "associate" in the mapping`;
  work.result = failed(work, new CrmError("never", `calls cannot be associated with a ${strange}: ${cure}`));
}

/** An unknown caller gets a contact, unless this call has had one before: then a person may have taken it away. */
async function makeContacts(
  tools: SaveTools,
  works: readonly Work[],
  asking: DescribedRequest,
): Promise<void> {
  const wanting = works.flatMap((work) => {
    const { createContact, ours } = work.record;
    if (!createContact || work.contact || ours["contactId"] !== undefined) return [];
    return [{ work, record: work.record, number: createContact.number }];
  });
  const what = "HubSpot, making a contact";
  // What the account may not do at all is not the call's fault: it is logged, and its caller is looked up later.
  const answers = await contactsFor(tools, wanting, { ...asking, what }).catch((error: unknown) => {
    if (!refusedWith(error, 403)) throw error;
    return new Map(wanting.map(({ number }) => [number, error]));
  });
  for (const { work, number } of wanting) {
    const answer = answers.get(number);
    if (answer instanceof CrmError) {
      const passes = (answer.retry === "later" && !refusedWith(answer, 403)) || lacksKey(answer);
      if (passes) work.result = failed(work, answer);
      else work.without.push(`a contact for its caller: ${answer.message}`);
    } else if (answer) {
      work.contact = { id: answer.id, kind: answer.kind };
      work.without.push(...(answer.without ?? []));
    }
  }
}

function plan({ context, warn }: SaveTools, works: readonly Work[], known: Properties): void {
  for (const work of works) {
    const { record, current } = work;
    const change = changeOf(record, known, current, (field, sentence) => {
      warn(`${sentence}: calls are logged without it`);
      work.without.push(`${field}: ${sentence}`);
    });
    work.wrote = change.wrote;
    work.kept = change.kept;
    undated(work, context.now());
  }
}

/** The calls are there: what HubSpot refuses of their follow-ups is said, and no reason to send the calls again. */
async function makeFollowUps(
  tools: SaveTools,
  works: readonly Work[],
  asking: DescribedRequest,
): Promise<void> {
  const wanting = works.filter(({ record }) => record.task && record.ours["taskId"] === undefined);
  const isForGood = (error: unknown): error is CrmError =>
    error instanceof CrmError && error.retry === "never" && !lacksKey(error);
  const answers = await followUpsOf(
    tools,
    wanting.map(({ record, contact }) => ({ record, contact })),
    { ...asking, what: "HubSpot, making a follow-up task" },
  ).catch((error: unknown) => {
    if (!isForGood(error)) throw error;
    return new Map(wanting.map(({ record }) => [record.key, error]));
  });
  for (const work of wanting) {
    const answer = answers.get(work.record.key);
    if (isForGood(answer)) work.without.push(`the follow-up task: ${answer.message}`);
    else if (answer instanceof CrmError) work.result = failed(work, answer);
    else if (answer !== undefined) {
      work.wrote["taskId"] = answer.id;
      work.task = answer;
    }
  }
}

function resultOf(work: Work): SaveResult {
  const { record, saved, created, wrote, kept, contact, stored, without, task } = work;
  const { key } = record;
  if (work.result) return work.result;
  if (!saved) return { key, failed: new CrmError("later", "HubSpot's answer says nothing about this call") };
  return {
    key,
    saved: saved.id,
    created,
    wrote,
    kept,
    ...(contact && { contact: { id: contact.id, kind: contact.kind } }),
    ...(Object.keys(stored).length > 0 && { stored }),
    ...(without.length > 0 && { without }),
    ...(task && { task }),
  };
}
