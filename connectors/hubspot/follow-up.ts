import type { CallRecord, FollowUp, FollowUpStanding } from "../../src/core/crm.ts";
import { CrmError } from "../../src/core/errors.ts";
import { failedCall, otherOwner, type SavedCall, type SettledCall } from "../../src/lib/saving.ts";
import type { HubspotWork } from "./account.ts";
import { associate } from "./associations.ts";
import { isAboutOwner, isClash, refusedWith } from "./errors.ts";
import { createOnce, tooEarly } from "./look-back.ts";
import { callerKinds } from "./people.ts";
import { readRecords } from "./read.ts";
import { type BatchRow, type Stored, writeRows } from "./rows.ts";
import { keyProperties, lacksKey } from "./schema.ts";
import { search } from "./search.ts";
import type { AccountRequests } from "./transport.ts";
import { comparable, type Properties, textsOf } from "./values.ts";

type TextFields = Record<string, string>;
type TaskInput = { properties: TextFields; associations: [] };
type CallWithTask = Pick<SavedCall<Stored>, "record" | "contact">;

/** HubSpot's clock and ours may differ by this much. */
const clocksMs = 5 * 60_000;

/** Creates the follow-up tasks of calls. The calls are logged: a lasting refusal of a task does not fail them. */
export async function withFollowUps(
  work: HubspotWork,
  calls: readonly SavedCall<Stored>[],
): Promise<(SavedCall<Stored> | SettledCall)[]> {
  const wanting = calls.filter(({ record }) => record.task && record.ours["taskId"] === undefined);
  const answers = await followUpsOf(work.named("HubSpot, making a follow-up task"), wanting).catch(
    (error: unknown) => {
      if (!isLasting(error)) throw error;
      return new Map(wanting.map(({ record }) => [record.key, error]));
    },
  );
  return calls.map((call) => {
    const answer = answers.get(call.record.key);
    if (answer === undefined) return call;
    if (isLasting(answer))
      return { ...call, without: [...call.without, `the follow-up task: ${answer.message}`] };
    if (answer instanceof CrmError) return failedCall(call.record, answer);
    return { ...call, wrote: { ...call.wrote, taskId: answer.id }, task: answer };
  });
}

/** An account that may not create tasks at all answers with 403. */
function isLasting(error: unknown): error is CrmError {
  if (refusedWith(error, 403)) return true;
  return error instanceof CrmError && error.retry === "never" && !lacksKey(error);
}

/** The follow-up tasks of calls, by the call's key: created once, whatever answers are lost. */
async function followUpsOf(
  work: HubspotWork,
  wanted: readonly CallWithTask[],
): Promise<Map<string, FollowUp | CrmError>> {
  const { schema, lookBack, context } = work;
  const answers = new Map<string, FollowUp | CrmError>();
  const sent = new Map<string, TextFields>();
  if (wanted.length === 0) return answers;
  const keyed = await schema.hasKey("tasks", work.signal);
  const known = await schema.properties("tasks", work.signal);
  const rows: BatchRow<TaskInput>[] = [];
  for (const { record } of wanted) {
    const fields = fieldsOf(record, known);
    const { key } = record;
    sent.set(key, fields);
    const own = keyed ? { [keyProperties.tasks.name]: key } : {};
    const before = keyed ? undefined : await alike(work, record, fields);
    if (before instanceof CrmError) answers.set(key, before);
    else if (before !== undefined) answers.set(key, { id: before, wrote: fields });
    else {
      const properties = { hs_timestamp: new Date(context.now()).toISOString(), ...fields, ...own };
      rows.push({ ref: key, input: { properties, associations: [] } });
    }
  }
  const create = (some: readonly BatchRow<TaskInput>[]) =>
    createOnce(lookBack, some, taskMark, (inputs) =>
      work.send((client) => client.crm.objects.batchApi.create("tasks", { inputs })),
    );
  const written = await create(rows);
  const fallbacks = new Map(wanted.map(({ record }) => [record.key, record.fallbackOwnerId]));
  // First the default owner, then none.
  let refused = rows;
  for (let round = 1; round <= 2; round += 1) {
    refused = refused.flatMap((row) => {
      const answer = written.get(row.ref);
      const isRefused = answer && "failed" in answer && isAboutOwner(answer.failed);
      return isRefused ? withOtherOwner(row, fallbacks.get(row.ref)) : [];
    });
    for (const { ref, input } of refused) sent.set(ref, withoutKey(input.properties));
    for (const [key, answer] of await create(refused)) written.set(key, answer);
  }
  const clashed: string[] = [];
  for (const [key, answer] of written) {
    if ("stored" in answer) answers.set(key, followUpIn(answer.stored, sent.get(key)));
    else if (keyed && isClash(answer.failed)) clashed.push(key);
    else answers.set(key, answer.failed);
  }
  const existing = await readRecords(work, clashed, { type: "tasks", by: "key", properties: [] });
  for (const key of clashed) {
    const id = existing.get(key)?.id;
    answers.set(key, id === undefined ? lost() : { id, wrote: sent.get(key) ?? {} });
  }
  await linkTasks(work, wanted, answers);
  return answers;
}

/** As HubSpot has it: it may store a text in another form, or leave out an owner. */
function followUpIn({ id, properties }: Stored, sent: Readonly<TextFields> = {}): FollowUp {
  const wrote = Object.entries(sent).map(([name, value]) => [name, properties[name] ?? value]);
  return { id, wrote: Object.fromEntries(wrote) };
}

function taskMark(key: string): string {
  return `task ${key}`;
}

/** HubSpot requires a time of a task: the call's, when the mapping has none. */
function fieldsOf({ task, ownerId, fields }: CallRecord, known: Properties): TextFields {
  const time = fields["hs_timestamp"];
  return {
    ...(ownerId !== undefined && { hubspot_owner_id: ownerId }),
    ...(time !== undefined && { hs_timestamp: String(time) }),
    ...textsOf(task?.fields ?? {}, known),
  };
}

function withOtherOwner(
  { ref, input }: BatchRow<TaskInput>,
  fallback: string | undefined,
): BatchRow<TaskInput> {
  const { hubspot_owner_id: refused, ...rest } = input.properties;
  const owner = otherOwner(refused, fallback);
  const properties = { ...rest, ...(owner !== undefined && { hubspot_owner_id: owner }) };
  return { ref, input: { ...input, properties } };
}

/** What a person may change. */
function withoutKey({ [keyProperties.tasks.name]: _, ...fields }: TextFields): TextFields {
  return fields;
}

/**
 * For an account that refuses our key: a task with the same subject and time that belongs to no other call, when an
 * answer was lost.
 */
async function alike(
  work: HubspotWork,
  { key, sentAt }: CallRecord,
  fields: Readonly<TextFields>,
): Promise<string | CrmError | undefined> {
  const { lookBack } = work;
  const mark = taskMark(key);
  const before = lookBack.idOf(mark);
  if (before !== undefined || (sentAt === undefined && !lookBack.inDoubt(mark))) return before;
  const waitMs = lookBack.waitOf(mark);
  if (waitMs > 0) return tooEarly(waitMs);
  const subject = fields["hs_task_subject"];
  const time = Date.parse(fields["hs_timestamp"] ?? "");
  const filters = [
    ...(subject ? [{ propertyName: "hs_task_subject", operator: "EQ", value: subject }] : []),
    ...(time ? [{ propertyName: "hs_timestamp", operator: "EQ", value: String(time) }] : []),
    ...(sentAt ? [{ propertyName: "hs_createdate", operator: "GTE", value: String(sentAt - clocksMs) }] : []),
  ];
  const body = { filterGroups: [{ filters }], properties: ["hs_task_subject"], limit: 20 };
  const { results } = await search(work, "tasks", body);
  const found = results.map(({ stored }) => stored.id).find((id) => !lookBack.holds(id));
  if (found !== undefined) lookBack.answered(mark, found);
  return found;
}

async function linkTasks(
  requests: AccountRequests,
  wanted: readonly CallWithTask[],
  answers: ReadonlyMap<string, FollowUp | CrmError>,
): Promise<void> {
  const pairs = wanted.flatMap(({ record: { key }, contact }) => {
    const made = answers.get(key);
    return contact && made && "id" in made ? [{ from: made.id, to: contact.id, kind: contact.kind }] : [];
  });
  // A refusal is ignored: the owner sees the task without its contact, and the call beside it has the contact.
  for (const [type, kind] of callerKinds) {
    const some = pairs.filter((pair) => pair.kind === kind);
    await associate(requests, { type: "tasks", toType: type }, some);
  }
}

function lost(): CrmError {
  return new CrmError("later", "HubSpot did not say whether it created the follow-up task");
}

const status = "hs_task_status";
const completed = "COMPLETED";

/** How follow-up tasks stand now, in one request per 100. Archived ones count as done. */
export async function standingsOf(
  work: HubspotWork,
  given: readonly FollowUp[],
): Promise<Map<string, FollowUpStanding>> {
  if (given.length === 0) return new Map();
  const known = await work.schema.properties("tasks", work.signal);
  const properties = [...new Set([status, ...given.flatMap(({ wrote }) => Object.keys(wrote))])];
  const ids = given.map(({ id }) => id);
  const found = await readRecords(work, ids, { type: "tasks", by: "id", properties });
  return new Map(given.map((task) => [task.id, standingOf(task, found.get(task.id), known)]));
}

/** Closes those that are open and unchanged. */
export async function closeFollowUps(
  work: HubspotWork,
  given: readonly FollowUp[],
): Promise<Map<string, "closed" | "touched" | "done" | CrmError>> {
  const results = new Map<string, "closed" | "touched" | "done" | CrmError>();
  const rows: BatchRow<{ id: string; properties: TextFields }>[] = [];
  for (const [id, standing] of await standingsOf(work, given)) {
    if (standing !== "open") results.set(id, standing);
    else rows.push({ ref: id, input: { id, properties: { [status]: completed } } });
  }
  const answers = await writeRows(
    rows,
    (inputs) => work.send((client) => client.crm.objects.batchApi.update("tasks", { inputs })),
    { refOf: ({ id }) => id },
  );
  for (const [id, answer] of answers) results.set(id, "stored" in answer ? "closed" : answer.failed);
  return results;
}

function standingOf({ wrote }: FollowUp, stored: Stored | undefined, known: Properties): FollowUpStanding {
  if (!stored || stored.properties[status] === completed) return "done";
  const isSame = Object.entries(wrote).every(([name, value]) => {
    const property = known.get(name);
    return comparable(property, stored.properties[name] ?? "") === comparable(property, value);
  });
  return isSame ? "open" : "touched";
}
