import type {
  Agent,
  AgentRef,
  CallEvent,
  Direction,
  Facts,
  FoldedCall,
  Outcome,
  Party,
  Phase,
} from "./call.ts";

const phaseRank: Record<Phase, number> = { ringing: 1, answered: 2, ended: 3 };
const directionRank: Record<Direction, number> = { inbound: 0, outbound: 1, internal: 2 };

/** A later, better word replaces an earlier one; among equals the first stays. */
const outcomeRank: Record<Outcome, number> = {
  voicemail: 3,
  completed: 2,
  "no-answer": 1,
  busy: 1,
  rejected: 1,
  cancelled: 1,
  abandoned: 1,
  failed: 1,
  unknown: 0,
};

/**
 * The call that a set of events tells, whatever their order and however often each was repeated.
 * Facts fill and never erase, the phase never moves back, a terminal outcome sticks.
 * Pure and total; needs at least one event.
 */
export function fold(events: readonly CallEvent[]): FoldedCall {
  const ordered = inOrder(events);
  const merges = ordered.filter((event) => event.sameCallAs !== undefined);
  const legs = new Set(ordered.flatMap((event) => [event.callId, event.sameCallAs ?? event.callId]));
  const call: FoldedCall = {
    callId: (merges.at(-1) ?? ordered[0])?.callId ?? "",
    legs: [...legs].sort(),
    phase: "ringing",
    agents: [],
  };
  for (const { at, phase, facts } of ordered) {
    if (phase && phaseRank[phase] > phaseRank[call.phase]) call.phase = phase;
    addFacts(call, facts, at);
  }
  addIdentity(call, ordered);
  addTalkTime(call);
  return call;
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

function addFacts(call: FoldedCall, facts: Facts, at: string): void {
  call.startedAt = earliest(call.startedAt, facts.startedAt);
  call.answeredAt = earliest(call.answeredAt, facts.answeredAt);
  call.endedAt = latest(call.endedAt, facts.endedAt);
  call.talkSeconds = facts.talkSeconds ?? call.talkSeconds;
  call.ringSeconds = facts.ringSeconds ?? call.ringSeconds;
  call.transcript = facts.transcript || call.transcript;
  call.summary = facts.summary || call.summary;
  call.sentiment = facts.sentiment || call.sentiment;
  if (facts.outcome && (!call.outcome || outcomeRank[facts.outcome] > outcomeRank[call.outcome])) {
    call.outcome = facts.outcome;
    call.reason = facts.reason || call.reason;
  }
  call.reason ??= facts.reason || undefined;
  if (facts.recording) call.recording = { ...call.recording, ...facts.recording };
  if (facts.transfer) call.transfer = { ...call.transfer, ...facts.transfer };
  if (facts.custom) call.custom = { ...call.custom, ...facts.custom };
  for (const agent of facts.agents ?? []) addAgent(call.agents, agent, at);
  for (const [name, value] of Object.entries(call))
    if (value === undefined) delete call[name as keyof FoldedCall];
}

function addAgent(agents: Agent[], { talked, ...ref }: AgentRef, at: string): void {
  const known = agents.find(({ ids }) => ids.some((id) => ref.ids.includes(id)));
  if (!known) {
    agents.push({ ...ref, ids: [...ref.ids], ...(talked && { talkedAt: at }) });
    return;
  }
  known.ids = [...new Set([...known.ids, ...ref.ids])];
  if (ref.name) known.name = ref.name;
  if (ref.email) known.email = ref.email;
  if (talked) known.talkedAt = at;
}

/**
 * Who called whom. After a transfer the legs disagree (the consult call is outbound, between colleagues), so the
 * customer's own leg speaks first: inbound before outbound before internal, then the earliest event.
 */
function addIdentity(call: FoldedCall, ordered: readonly CallEvent[]): void {
  const direction = (facts: Facts) => (facts.direction ? directionRank[facts.direction] : 3);
  const bySpeaker = ordered.map(({ facts }) => facts).sort((a, b) => direction(a) - direction(b));
  const said = <K extends "direction" | "line">(name: K) => bySpeaker.find((facts) => facts[name])?.[name];
  const customer = customerOf(bySpeaker);
  const line = said("line");
  const first = said("direction");
  if (first) call.direction = first;
  if (line) call.line = line;
  if (customer) call.customer = customer;
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

function earliest(a: string | undefined, b: string | undefined): string | undefined {
  return !a || (b && b < a) ? b || a : a;
}

function latest(a: string | undefined, b: string | undefined): string | undefined {
  return !a || (b && b > a) ? b || a : a;
}
