import type { CallEvent, Direction, Facts, FoldedCall, Outcome, Party } from "./call.ts";
import { addFacts, fillIn, phaseRank } from "./fold-facts.ts";

const directionRank: Record<Direction, number> = { inbound: 0, outbound: 1, internal: 2 };

/** A caller who talked to an agent was not missed, even when the transfer that followed was not answered. */
const unanswered: ReadonlySet<Outcome> = new Set(["no-answer", "busy", "rejected", "cancelled", "abandoned"]);

const optionalFacts = [
  "direction",
  "customer",
  "otherEnd",
  "line",
  "startedAt",
  "answeredAt",
  "endedAt",
  "talkSeconds",
  "ringSeconds",
  "outcome",
  "reason",
  "recording",
  "transcript",
  "summary",
  "sentiment",
  "transfer",
  "custom",
] as const satisfies (keyof FoldedCall)[];

/**
 * The call of a set of events, whatever their order and however often each is repeated.
 * Facts fill and never erase, the phase never moves back, a terminal outcome sticks. Events from polling come last: they
 * only fill what webhooks left open.
 * Pure and total; needs at least one event.
 */
export function fold(events: readonly CallEvent[]): FoldedCall {
  const ordered = inOrder(events);
  const merges = ordered.filter((event) => event.sameCallAs !== undefined);
  const discarded = new Set(merges.map(({ sameCallAs }) => sameCallAs));
  // Where several ids survive (legs that share a session), the one with the earliest event names the call.
  const survivor = merges.find(({ callId }) => !discarded.has(callId)) ?? merges.at(-1) ?? ordered[0];
  const legs = new Set(ordered.flatMap((event) => [event.callId, event.sameCallAs ?? event.callId]));
  const call = together(ordered.filter(({ fills }) => !fills));
  fillIn(call, together(ordered.filter(({ fills }) => fills)));
  Object.assign(call, { callId: survivor?.callId ?? "", legs: [...legs].sort() });
  addTalkTime(call);
  if (call.answeredAt && call.outcome && unanswered.has(call.outcome)) call.outcome = "completed";
  if (call.outcome === "completed") {
    const notTaken = outcomeIfNotTaken(call, ordered);
    call.outcome = notTaken ?? outcomeUnlessAnswered(call, ordered) ?? "completed";
    if (notTaken) delete call.talkSeconds;
  }
  return inOneShape(call);
}

/**
 * The outcome when every event with the outcome `completed` leaves open whether the call was answered, and no other event
 * shows an answer, talk or transfer. A single end proves nothing: the answer may be among the events that were lost.
 */
function outcomeUnlessAnswered(call: FoldedCall, ordered: readonly CallEvent[]): Outcome | undefined {
  const completed = ordered.filter(({ facts }) => facts.outcome === "completed");
  const [first] = completed.map(({ facts }) => facts.unlessAnswered);
  if (completed.some(({ facts }) => facts.unlessAnswered === undefined)) return undefined;
  if (!ordered.some(({ phase }) => phase === "ringing")) return undefined;
  const isAnswered =
    call.answeredAt !== undefined ||
    (call.talkSeconds ?? 0) > 0 ||
    call.transfer !== undefined ||
    call.agents.some(({ talkedAt }) => talkedAt !== undefined) ||
    ordered.some(({ phase }) => phase === "answered");
  return isAnswered ? undefined : first;
}

/** A call flow that answers and then reaches no colleague is no conversation, however long the caller listened. */
function outcomeIfNotTaken(call: FoldedCall, ordered: readonly CallEvent[]): Outcome | undefined {
  const talked = call.agents.some(({ talkedAt }) => talkedAt !== undefined);
  return talked ? undefined : ordered.findLast(({ facts }) => facts.notTaken)?.facts.notTaken;
}

/** The combined facts of these events, without the surviving leg. */
function together(ordered: readonly CallEvent[]): FoldedCall {
  const call: FoldedCall = { callId: "", legs: [], phase: "ringing", agents: [] };
  addFacts(call, ordered);
  addIdentity(call, ordered);
  return call;
}

/** The members in one fixed order, absent ones left out: equal calls have equal JSON. */
function inOneShape(call: FoldedCall): FoldedCall {
  const shaped: FoldedCall = { callId: call.callId, legs: call.legs, phase: call.phase, agents: call.agents };
  for (const name of optionalFacts)
    if (call[name] !== undefined) Object.assign(shaped, { [name]: call[name] });
  return shaped;
}

/** By event time, then phase, then content, so that no two orders of arrival differ; each event once. */
function inOrder(events: readonly CallEvent[]): CallEvent[] {
  const texts = new Map<CallEvent, string>();
  const text = (event: CallEvent): string => {
    const known = texts.get(event) ?? canonical(event);
    texts.set(event, known);
    return known;
  };
  const compare = (a: CallEvent, b: CallEvent): number => {
    if (a.at !== b.at) return a.at < b.at ? -1 : 1;
    if (rankOf(a) !== rankOf(b)) return rankOf(a) - rankOf(b);
    if (a === b || text(a) === text(b)) return 0;
    return text(a) < text(b) ? -1 : 1;
  };
  const sorted = [...events].sort(compare);
  return sorted.filter((event, i) => {
    const before = sorted[i - 1];
    return before === undefined || compare(before, event) !== 0;
  });
}

function rankOf(event: CallEvent): number {
  return event.phase ? phaseRank[event.phase] : 0;
}

/** JSON with sorted keys: the same event always gives the same text. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/**
 * Who called whom. After a transfer the legs disagree (the consult call is between colleagues), so the customer's own
 * leg decides: inbound before outbound before internal, then the earliest event. A leg that never had that direction is
 * ignored: its customer is a colleague.
 */
function addIdentity(call: FoldedCall, ordered: readonly CallEvent[]): void {
  const events = withoutDoubtful(ordered);
  const [direction] = events
    .flatMap(({ facts }) => facts.direction ?? [])
    .sort((a, b) => directionRank[a] - directionRank[b]);
  const spoken = events.filter(({ facts }) => facts.direction === direction);
  const legs = new Set(spoken.map(({ callId }) => callId));
  const others = events.filter(({ facts }) => facts.direction !== direction);
  const usable = others.filter(({ callId, facts }) => !facts.direction || legs.has(callId));
  const speakers = [...spoken, ...usable].map(({ facts }) => facts);
  const line = speakers.find((facts) => facts.line)?.line;
  const directed = speakers.map((facts) => oriented(facts, direction));
  // Certain statements come before guesses.
  const certain = directed.filter(({ otherEnd }) => !otherEnd);
  const customer = customerOf(certain) ?? customerOf(directed);
  const otherEnd = customerOf(certain)?.number
    ? undefined
    : directed.find((facts) => facts.otherEnd)?.otherEnd;
  if (direction) call.direction = direction;
  if (line) call.line = line;
  if (customer) call.customer = customer;
  if (otherEnd) call.otherEnd = otherEnd;
  call.agents = call.agents.filter(({ ids, email }) => email || ids.some((id) => id !== customer?.number));
}

/** The ends of a message without a direction, in the direction of other messages of the call. */
function oriented(facts: Facts, direction: Direction | undefined): Facts {
  const { customer, otherEnd, ...rest } = facts;
  if (facts.direction || !customer || !otherEnd || !direction || direction === "internal") return facts;
  return direction === "inbound" ? { ...rest, customer } : { ...rest, customer: otherEnd };
}

/** Without the `outbound` events of a leg that began as internal: a poorer event (Voys names no target at the end). */
function withoutDoubtful(ordered: readonly CallEvent[]): CallEvent[] {
  const first = new Map<string, Direction>();
  for (const { callId, facts } of ordered) {
    if (facts.direction && !first.has(callId)) first.set(callId, facts.direction);
  }
  return ordered.filter(
    ({ callId, facts }) => facts.direction !== "outbound" || first.get(callId) !== "internal",
  );
}

function customerOf(facts: readonly Facts[]): Party | undefined {
  const parties = facts.flatMap(({ customer }) => (customer ? [customer] : []));
  const number = parties.find((party) => party.number)?.number;
  const name = parties.find((party) => party.name && (!party.number || party.number === number))?.name;
  if (!number && !name) return undefined;
  return { ...(number && { number }), ...(name && { name }) };
}

/** The provider's own talk time wins; else ended minus first answered; else absent. */
function addTalkTime(call: FoldedCall): void {
  if (call.talkSeconds !== undefined || !call.answeredAt || !call.endedAt) return;
  const seconds = Math.round((Date.parse(call.endedAt) - Date.parse(call.answeredAt)) / 1000);
  if (seconds >= 0) call.talkSeconds = seconds;
}
