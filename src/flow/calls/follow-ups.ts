import { beganAt, type Call, isMissed, wasReached } from "../../core/call.ts";
import type { ContactRef } from "../../core/contact.ts";
import type { FollowUp } from "../../core/crm.ts";
import type { TrackedCall, TrackedFollowUp } from "../../core/tracked-call.ts";
import type { Reached, Subject, WantedFollowUp } from "../../store/contract.ts";
import type { Flow, Installation } from "../installation.ts";
import type { Outgoing } from "./record.ts";

/** Older missed calls get no follow-up. */
const oldestMs = 86_400_000;

/** The callers who get a follow-up in this claim, each with the key of the call that makes it. */
export type Promised = Map<string, string>;

/** A call whose follow-up was not made, by its key. */
export type Unmade = { key: string; subject: Subject };

/**
 * Decides which missed calls get a follow-up task: one per contact or number at a time, none for old calls, and none when
 * the customer has been reached since. Follow-ups of customers who were reached in these calls are marked to be closed
 * before the calls are sent, so that a crash in between does not lose that.
 */
export async function planFollowUps(
  flow: Flow,
  installation: Installation,
  outgoing: readonly Outgoing[],
  { promised, ended }: { promised: Promised; ended: AbortSignal },
): Promise<Outgoing[]> {
  const { store } = flow;
  const { name } = installation.settings;
  const now = flow.now();
  const wanting = outgoing.filter(({ record }) => record.task);
  const reached = outgoing.flatMap(({ row, record }) => reachedIn(row, record.contact));
  if (wanting.length === 0 && !(await store.hasOpenFollowUps(name))) return [...outgoing];
  if (reached.length > 0) await store.markReached(name, reached, now);
  const open = await store.openFollowUps(
    name,
    wanting.map(({ row, record }) => subjectOf(row, record.contact)),
  );
  const stillOpen = await stillOpenIn(flow, installation, open, ended);
  const planned: Outgoing[] = [];
  for (const one of outgoing) {
    const own = one.record.task || one.row.sentAt ? await store.followUp(one.row.id) : undefined;
    planned.push(await plan(flow, one, own, { open: stillOpen, promised }));
  }
  return planned;
}

/**
 * Retries the latest other missed call of each of these callers, so that it gets the follow-up that could not be made.
 */
export async function retryFollowUps(
  { store, now }: Flow,
  { settings }: Installation,
  unmade: readonly Unmade[],
): Promise<void> {
  for (const { key: refused, subject } of unmade) {
    for (const { key, body } of await store.completedCalls(settings.name, subject, now() - oldestMs)) {
      if (key === refused || !isMissed(JSON.parse(body) as Call)) continue;
      const other = await store.call(key);
      if (other?.row.state !== "logged" || (await store.followUp(other.row.id))) continue;
      await store.retry(key, now());
      break;
    }
  }
}

async function plan(
  flow: Flow,
  outgoing: Outgoing,
  own: TrackedFollowUp | undefined,
  { open, promised }: { open: readonly TrackedFollowUp[]; promised: Promised },
): Promise<Outgoing> {
  const { row, record } = outgoing;
  const subject = subjectOf(row, record.contact);
  const since = beganAt(row.call) ?? row.createdAt;
  // It was sent before, and the CRM may have it: the same one is sent again, and closed later if necessary.
  if (own?.state === "wanted") return sending(outgoing, { ...subject, since: own.since, fields: own.fields });
  if (!record.task) return outgoing;
  if (record.ours["taskId"] !== undefined || (own && own.state !== "refused")) return without(outgoing);
  const none = await whyNone(flow, row, subject, since);
  if (none) return without(outgoing, none);
  const before =
    open.find((one) => one.call !== row.id && isSame(one, subject))?.key ?? promisedTo(promised, subject);
  if (before !== undefined && before !== row.call.key)
    return without(outgoing, `the follow-up of ${before} is still open`);
  for (const name of namesOf(subject)) promised.set(name, row.call.key);
  return sending(outgoing, { ...subject, since, fields: record.task.fields });
}

async function whyNone(
  { store, now }: Flow,
  { call, createdAt }: TrackedCall,
  subject: Subject,
  since: number,
): Promise<string | undefined> {
  if (!subject.contact && subject.number === undefined && !call.customer?.number)
    return "there is no number or contact to call back";
  if (now() - since > oldestMs) return "the call is more than a day old";
  const later = await store.completedCalls(call.installation, subject, Math.min(since, createdAt) - oldestMs);
  const back = later.find(({ key, body }) => {
    const other = JSON.parse(body) as Call;
    return key !== call.key && wasReached(other) && (beganAt(other) ?? 0) >= since;
  });
  return back && `the customer was reached in ${back.key}`;
}

/** Those that no person has closed; closed ones are stored as such. A task without an answer yet counts as open. */
async function stillOpenIn(
  { store }: Flow,
  { connector }: Installation,
  rows: readonly TrackedFollowUp[],
  signal: AbortSignal | undefined,
): Promise<TrackedFollowUp[]> {
  const made = rows.filter(({ state }) => state === "open");
  if (made.length === 0 || !connector.tasks) return [...rows];
  const standings = await connector.tasks(made.flatMap(taskOf), signal);
  const done = made.filter(({ taskId }) => taskId !== undefined && standings.get(taskId) === "done");
  if (done.length > 0)
    await store.changeFollowUps(
      done.map(({ call }) => ({ call, state: "closed", attempts: 0, reason: "it was closed in the CRM" })),
    );
  return rows.filter((row) => !done.includes(row));
}

export function taskOf({ taskId, fields }: TrackedFollowUp): FollowUp[] {
  return taskId === undefined ? [] : [{ id: taskId, wrote: fields }];
}

function sending(outgoing: Outgoing, followUp: WantedFollowUp): Outgoing {
  return { ...outgoing, record: { ...outgoing.record, task: { fields: followUp.fields } }, followUp };
}

function without(outgoing: Outgoing, why?: string): Outgoing {
  const { task: _, ...record } = outgoing.record;
  return { ...outgoing, record, ...(why && { noFollowUp: why }) };
}

function reachedIn(row: TrackedCall, contact: ContactRef | undefined): Reached[] {
  const { call, id } = row;
  const at = beganAt(call) ?? row.createdAt;
  return wasReached(call) ? [{ ...subjectOf(row, contact), call: id, key: call.key, at }] : [];
}

function subjectOf({ number }: TrackedCall, contact: ContactRef | undefined): Subject {
  return { ...(number !== undefined && { number }), ...(contact && { contact }) };
}

function isSame(one: Subject, other: Subject): boolean {
  const others = namesOf(other);
  return namesOf(one).some((name) => others.includes(name));
}

function promisedTo(promised: Promised, subject: Subject): string | undefined {
  return namesOf(subject).flatMap((name) => promised.get(name) ?? [])[0];
}

function namesOf({ contact, number }: Subject): string[] {
  return [...(contact ? [`${contact.kind} ${contact.id}`] : []), ...(number === undefined ? [] : [number])];
}
