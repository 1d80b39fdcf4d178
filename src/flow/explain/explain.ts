import { type Call, type CallEvent, callKey, eventLimits, overLimits } from "../../core/call.ts";
import type { Contact, ContactRef } from "../../core/contact.ts";
import { phaseRank } from "../../core/fold-facts.ts";
import type { Answer } from "../../core/provider.ts";
import type { CallState, TrackedCall, TrackedFollowUp, TrackedRecording } from "../../core/tracked-call.ts";
import type { CallGroup, DeliveryNote, Store, StoredAnswer } from "../../store/contract.ts";
import type {
  AnswerGiven,
  ContactCandidate,
  ExplainedCall,
  ExplainedEvent,
  Explanation,
  FollowUpTold,
  RecordingTold,
} from "./explanation.ts";
import { originsOf } from "./origins.ts";

export type { Explanation } from "./explanation.ts";
export { explainText } from "./text.ts";

/** Everything there is to know about a call; undefined when there is no such call. */
export async function explainCall(store: Store, key: string): Promise<Explanation | undefined> {
  const group = await store.call(key);
  return group && explainGroup(store, group);
}

/** The same of a call that was read already. */
export async function explainGroup(store: Store, group: CallGroup): Promise<Explanation> {
  const { row } = group;
  const { call, state, attempts, activityId, decision } = row;
  const deliveries = await store.deliveriesOf(row.id);
  const history = await store.history(row.id);
  const answer = await answerGiven(store, row);
  const owner = await ownerOf(store, row);
  const followUp = await store.followUp(row.id);
  const mergedInto =
    row.mergedInto === undefined ? undefined : (await store.callById(row.mergedInto))?.call.key;
  const nextTryAt = isoOf(row.dueAt);
  return {
    key: call.key,
    state,
    status: statusOf(row, mergedInto),
    ...(nextTryAt && { nextTryAt }),
    attempts,
    ...(activityId !== undefined && { activityId }),
    contact: await contactOf(store, row),
    ...(owner && { owner }),
    ...(decision?.agent && { agent: decision.agent }),
    ...(followUp && { followUp: followUpTold(followUp) }),
    ...(answer && { answer }),
    merged: await mergedLegs(store, call),
    ...(mergedInto && { mergedInto }),
    call: withoutLink(call, await store.recording(row.id)),
    events: eventsOf(group, deliveries),
    facts: originsOf(group),
    ...(isFull(group) && { limited: overLimits }),
    deliveries,
    history: history.map(({ at, step, detail }) => ({ at: new Date(at).toISOString(), step, detail })),
  };
}

function withoutLink({ recording, ...call }: Call, row: TrackedRecording | undefined): ExplainedCall {
  if (!recording) return call;
  const { ref: _, ...facts } = recording;
  return { ...call, recording: { available: true, ...facts, ...(row && progressOf(row)) } };
}

function progressOf({
  state,
  reason,
  seenAt,
  dueAt,
  place,
  toldAt,
  bytes,
  sha256,
}: TrackedRecording): RecordingTold & { available: boolean } {
  const playableAt = isoOf(seenAt);
  const isDone = state === "kept" && place !== undefined && toldAt !== undefined;
  const nextLookAt = isDone ? undefined : isoOf(dueAt);
  const keptUntil = isDone ? isoOf(dueAt) : undefined;
  return {
    available: state === "there" || state === "kept" || (state === "wanted" && seenAt !== undefined),
    state,
    ...(reason !== undefined && { reason }),
    ...(playableAt && { playableAt }),
    ...(nextLookAt && { nextLookAt }),
    ...(keptUntil && { keptUntil }),
    ...(bytes !== undefined && { bytes }),
    ...(sha256 !== undefined && { sha256 }),
  };
}

function followUpTold({ state, taskId, reachedBy, reason }: TrackedFollowUp): FollowUpTold {
  return {
    state,
    ...(taskId !== undefined && { taskId }),
    ...(reachedBy !== undefined && { reachedBy }),
    ...(reason && { reason }),
  };
}

export function isoOf(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString();
}

const missing: Record<CallState, string> = {
  open: "not logged yet: the call is not over",
  waiting: "not logged yet: it waits for its turn",
  logged: "logged",
  dead: "not logged: the CRM refused it. Fix the cause, then retry it",
  ignored: "not logged, on purpose",
  merged: "not logged by itself: it is a leg of another call",
  gone: "deleted in the CRM by a person; it stays deleted",
};

function statusOf(
  { state, reason, activityId, savedRevision, call, dueAt }: TrackedCall,
  mergedInto?: string,
): string {
  if (state === "merged" && mergedInto) return `${missing.merged}: ${mergedInto}`;
  const because = reason && state !== "gone" ? ` (${reason})` : "";
  if (state !== "logged") return `${missing[state]}${because}`;
  const stale = dueAt === undefined && savedRevision >= call.revision ? "" : "; an update is on its way";
  return `logged as activity ${activityId ?? "(unknown)"}${stale}${because}`;
}

async function contactOf(store: Store, row: TrackedCall): Promise<Explanation["contact"]> {
  const { decision, number, contact: ref, call } = row;
  const known = ref && (await store.contact(call.installation, ref));
  const chosen = ref
    ? candidateOf(known ?? { ...ref, ...nameIn(decision?.contact, ref) })
    : decision?.contact;
  const made = ref !== undefined && decision !== undefined && decision.contact === undefined;
  return {
    ...(number !== undefined && { number }),
    lookup: decision?.lookup ?? "not looked up yet: that happens when the call is logged",
    ...(decision?.reason && { reason: made ? `${decision.reason}, so it was created` : decision.reason }),
    ...(chosen && { chosen }),
    runnersUp: decision?.runnersUp ?? [],
  };
}

function nameIn(decided: ContactCandidate | undefined, ref: ContactRef): { name?: string } {
  return decided?.id === ref.id && decided.name ? { name: decided.name } : {};
}

function candidateOf({ id, kind, name }: Pick<Contact, "id" | "kind" | "name">): ContactCandidate {
  return { id, kind, ...(name && { name }) };
}

async function ownerOf(store: Store, { decision, call }: TrackedCall): Promise<Explanation["owner"]> {
  if (!decision?.owner) return undefined;
  const { id, why } = decision.owner;
  const owner = (await store.owners(call.installation)).find((one) => one.id === id);
  const name = owner?.name ?? owner?.email;
  return { ...(id && { id }), ...(name && { name }), why };
}

async function mergedLegs(store: Store, call: Call): Promise<Explanation["merged"]> {
  const merged: Explanation["merged"] = [];
  for (const leg of call.legs) {
    const key = callKey(call.installation, call.provider, leg);
    if (key === call.key) continue;
    const activityId = (await store.call(key))?.row.activityId;
    merged.push({ key, ...(activityId !== undefined && { activityId }) });
  }
  return merged;
}

/** Whether one more event found no room, or would not if it were as large as the largest. */
function isFull({ events }: CallGroup): boolean {
  const sizes = events.map((event) => Buffer.byteLength(JSON.stringify(event)));
  const [bytes, largest] = [sizes.reduce((sum, size) => sum + size, 0), Math.max(...sizes)];
  return events.length >= eventLimits.events || bytes + largest > eventLimits.bytes;
}

/** In the order of their times; an event of one delivery in several parts is shown once. A purged delivery is not named. */
function eventsOf({ events, from }: CallGroup, deliveries: readonly DeliveryNote[]): ExplainedEvent[] {
  const rank = ({ phase }: CallEvent) => (phase ? phaseRank[phase] : 0);
  const sorted = events.map((event, i) => ({ event, delivery: from[i] }));
  sorted.sort(({ event: a }, { event: b }) => (a.at === b.at ? rank(a) - rank(b) : a.at < b.at ? -1 : 1));
  const whole = new Map(sorted.map((one) => [`${one.delivery} ${one.event.kind} ${one.event.callId}`, one]));
  const last = new Set(whole.values());
  return sorted
    .filter((one) => last.has(one))
    .map(({ event: { at, kind, phase, callId, sameCallAs, fills }, delivery }) => ({
      at,
      kind,
      ...(phase && { phase }),
      callId,
      ...(sameCallAs && { sameCallAs }),
      ...(fills && { asked: fills }),
      deliveries: deliveries.filter(({ id }) => id === delivery).map(({ id }) => id),
    }));
}

/** A question comes before its call starts; a little after, when the provider's clock is behind ours. */
const beforeMs = 120_000;
const afterMs = 10_000;

/** The answer by the call's own legs, else the last one about its number shortly before it started. */
async function answerGiven(store: Store, row: TrackedCall): Promise<AnswerGiven | undefined> {
  const { installation, provider, legs, direction } = row.call;
  for (const leg of legs) {
    const answer = await store.answer(installation, provider, leg);
    if (answer) return toAnswerGiven(answer, "call id");
  }
  if (row.number === undefined || direction !== "inbound") return undefined;
  const startedAt = row.call.startedAt === undefined ? row.createdAt : Date.parse(row.call.startedAt);
  const near = await store.answersNear(installation, row.number, startedAt - beforeMs, startedAt + afterMs);
  const last = near.at(-1);
  return last && toAnswerGiven(last, "number and time");
}

function toAnswerGiven({ at, reply, why }: StoredAnswer, foundBy: AnswerGiven["foundBy"]): AnswerGiven {
  const { agentId, reject, variables } = reply as Answer;
  const { chosenBy, source, reason, limited } = why;
  return {
    at: new Date(at).toISOString(),
    foundBy,
    ...(agentId && { agentId }),
    ...(reject && { reject }),
    why: String(chosenBy ?? "unknown"),
    lookup: [source, reason].filter((part) => typeof part === "string").join(": "),
    variables: { ...variables },
    ...(Array.isArray(limited) && { limited: limited.map(String) }),
  };
}
