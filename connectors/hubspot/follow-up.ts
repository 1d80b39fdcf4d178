import type { ContactRef } from "../../src/core/contact.ts";
import type { CallRecord, ConnectContext, FollowUp, FollowUpStanding } from "../../src/core/contracts.ts";
import { CrmError } from "../../src/core/errors.ts";
import { associate } from "./associations.ts";
import { isAboutOwner } from "./errors.ts";
import { createOnce, type LookBack, readRecords, tooEarly } from "./look-back.ts";
import { callerKinds } from "./people.ts";
import { type BatchRow, type Stored, writeRows } from "./rows.ts";
import { keyProperties, type Portal } from "./schema.ts";
import { search } from "./search.ts";
import type { DescribedRequest, Transport } from "./transport.ts";
import { isClash } from "./unknown-callers.ts";
import { comparable, type Properties, textsOf } from "./values.ts";

export type WantedTask = { record: CallRecord; contact: ContactRef | undefined };
type TaskInput = { properties: Record<string, string>; associations: [] };
type FollowUpTools = {
  transport: Transport;
  portal: Portal;
  lookBack: LookBack;
  context: Pick<ConnectContext, "now">;
};

/** HubSpot's clock and ours may differ by so much. */
const clocksMs = 5 * 60_000;

/** The follow-up tasks of missed calls, by the call's key: made once, whatever answers get lost. */
export async function followUpsOf(
  tools: FollowUpTools,
  wanted: readonly WantedTask[],
  asking: DescribedRequest,
): Promise<Map<string, FollowUp | CrmError>> {
  const { transport, portal, lookBack, context } = tools;
  const answers = new Map<string, FollowUp | CrmError>();
  const sent = new Map<string, Record<string, string>>();
  if (wanted.length === 0) return answers;
  const keyed = await portal.hasKey("tasks", asking.signal);
  const known = await portal.properties("tasks", asking.signal);
  const rows: BatchRow<TaskInput>[] = [];
  for (const { record } of wanted) {
    const fields = fieldsOf(record, known);
    const { key } = record;
    sent.set(key, fields);
    const own = keyed ? { [keyProperties.tasks.name]: key } : {};
    const before = keyed ? undefined : await alike(tools, record, fields, asking);
    if (before instanceof CrmError) answers.set(key, before);
    else if (before !== undefined) answers.set(key, { id: before, wrote: fields });
    else {
      const properties = { hs_timestamp: new Date(context.now()).toISOString(), ...fields, ...own };
      rows.push({ ref: key, input: { properties, associations: [] } });
    }
  }
  const create = (some: readonly BatchRow<TaskInput>[]) =>
    createOnce(lookBack, some, taskMark, (inputs) =>
      transport.ask(asking, (client) => client.crm.objects.batchApi.create("tasks", { inputs })),
    );
  const written = await create(rows);
  const fallbacks = new Map(wanted.map(({ record }) => [record.key, record.fallbackOwnerId]));
  // An owner who cannot have a task gives way to the default owner, who gives way to nobody.
  for (const ownerOf of [(key: string) => fallbacks.get(key), () => undefined]) {
    const refused = rows.filter(({ ref }) => {
      const answer = written.get(ref);
      return answer && "failed" in answer && isAboutOwner(answer.failed);
    });
    const changed = refused.map((row) => withOwner(row, ownerOf(row.ref)));
    for (const { ref, input } of changed) sent.set(ref, sentOf(input.properties));
    for (const [key, answer] of await create(changed)) written.set(key, answer);
  }
  const clashed: string[] = [];
  for (const [key, answer] of written) {
    if ("stored" in answer) answers.set(key, followUpIn(answer.stored, sent.get(key)));
    else if (keyed && isClash(answer.failed)) clashed.push(key);
    else answers.set(key, answer.failed);
  }
  if (clashed.length > 0) {
    const there = await readRecords(transport, clashed, { type: "tasks", by: "key", properties: [] }, asking);
    for (const key of clashed) {
      const id = there.get(key)?.id;
      answers.set(key, id === undefined ? lost() : { id, wrote: sent.get(key) ?? {} });
    }
  }
  await linkAll(transport, wanted, answers, asking);
  return answers;
}

/** As HubSpot has it now: it may keep a text in another writing, or have left out an owner. */
function followUpIn({ id, properties }: Stored, sent: Readonly<Record<string, string>> = {}): FollowUp {
  const wrote = Object.entries(sent).map(([name, value]) => [name, properties[name] ?? value]);
  return { id, wrote: Object.fromEntries(wrote) };
}

function taskMark(key: string): string {
  return `task ${key}`;
}

/** HubSpot demands a time of a task: the call's, when the mapping has none. */
function fieldsOf({ task, ownerId, fields }: CallRecord, known: Properties): Record<string, string> {
  const time = fields["hs_timestamp"];
  return {
    ...(ownerId !== undefined && { hubspot_owner_id: ownerId }),
    ...(time !== undefined && { hs_timestamp: String(time) }),
    ...textsOf(task?.fields ?? {}, known),
  };
}

function withOwner({ ref, input }: BatchRow<TaskInput>, owner: string | undefined): BatchRow<TaskInput> {
  const { hubspot_owner_id: _, ...rest } = input.properties;
  const properties = { ...rest, ...(owner !== undefined && { hubspot_owner_id: owner }) };
  return { ref, input: { ...input, properties } };
}

/** What a person may change: not our key. */
function sentOf({
  [keyProperties.tasks.name]: _,
  ...fields
}: Record<string, string>): Record<string, string> {
  return fields;
}

/**
 * For an account that refuses our key: a task of the same subject and time that is nobody else's, when a lost answer may
 * have made it.
 */
async function alike(
  { transport, lookBack }: FollowUpTools,
  { key, sentAt }: CallRecord,
  fields: Readonly<Record<string, string>>,
  asking: DescribedRequest,
): Promise<string | CrmError | undefined> {
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
  const { results } = await search(transport, "tasks", body, asking);
  const found = results.map(({ stored }) => stored.id).find((id) => !lookBack.holds(id));
  if (found !== undefined) lookBack.answered(mark, found);
  return found;
}

async function linkAll(
  transport: Transport,
  wanted: readonly WantedTask[],
  answers: ReadonlyMap<string, FollowUp | CrmError>,
  asking: DescribedRequest,
): Promise<void> {
  const pairs = wanted.flatMap(({ record: { key }, contact }) => {
    const made = answers.get(key);
    return contact && made && "id" in made ? [{ from: made.id, to: contact.id, kind: contact.kind }] : [];
  });
  // A task without its contact is still a task: its owner sees it, and the call beside it has the contact.
  for (const [type, kind] of callerKinds) {
    const some = pairs.filter((pair) => pair.kind === kind);
    await associate(transport, { type: "tasks", toType: type }, some, asking);
  }
}

function lost(): CrmError {
  return new CrmError("later", "HubSpot did not say whether it made the follow-up task");
}

type TaskTools = { transport: Transport; portal: Portal };
type TaskUpdate = { id: string; properties: Record<string, string> };

const status = "hs_task_status";
const completed = "COMPLETED";

/** How follow-up tasks stand, all of them in one request per 100. Archived ones count as done. */
export async function tasks(
  { transport, portal }: TaskTools,
  given: readonly FollowUp[],
  asking: DescribedRequest,
): Promise<Map<string, FollowUpStanding>> {
  if (given.length === 0) return new Map();
  const known = await portal.properties("tasks", asking.signal);
  const names = [...new Set([status, ...given.flatMap(({ wrote }) => Object.keys(wrote))])];
  const ids = given.map(({ id }) => id);
  const found = await readRecords(transport, ids, { type: "tasks", by: "id", properties: names }, asking);
  return new Map(given.map((task) => [task.id, standingOf(task, found.get(task.id), known)]));
}

/** Closes those that are open and unchanged. */
export async function closeTasks(
  tools: TaskTools,
  given: readonly FollowUp[],
  asking: DescribedRequest,
): Promise<Map<string, "closed" | "touched" | "done" | CrmError>> {
  const results = new Map<string, "closed" | "touched" | "done" | CrmError>();
  const rows: BatchRow<TaskUpdate>[] = [];
  for (const [id, standing] of await tasks(tools, given, asking)) {
    if (standing !== "open") results.set(id, standing);
    else rows.push({ ref: id, input: { id, properties: { [status]: completed } } });
  }
  const answers = await writeRows(
    rows,
    (inputs) =>
      tools.transport.ask(asking, (client) => client.crm.objects.batchApi.update("tasks", { inputs })),
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
