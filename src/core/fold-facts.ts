import type { Agent, CallEvent, Facts, FoldedCall, Outcome, Phase, Recording, Transfer } from "./call.ts";

export const phaseRank: Record<Phase, number> = { ringing: 1, answered: 2, ended: 3 };

/** A later, more specific outcome replaces an earlier one; among equals the first stays. */
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

/** Adds the facts of events, the later to the earlier. Facts that grow with each event are combined once, at the end. */
export function addFacts(call: FoldedCall, ordered: readonly CallEvent[]): void {
  for (const { phase, facts } of ordered) {
    if (phase && phaseRank[phase] > phaseRank[call.phase]) call.phase = phase;
    addSingleFacts(call, facts);
  }
  const custom = ordered.flatMap(({ facts }) => (facts.custom ? [facts.custom] : []));
  if (custom.length > 0) call.custom = Object.fromEntries(custom.flatMap((one) => Object.entries(one)));
  const agents = ordered.flatMap(({ facts, at }) => facts.agents?.map((agent) => ({ agent, at })) ?? []);
  call.agents = joinAgents(
    agents.map(({ agent: { talked, ...agent }, at }) => ({ ...agent, ...(talked && { talkedAt: at }) })),
  );
}

function addSingleFacts(call: FoldedCall, facts: Facts): void {
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
  if (facts.transfer) call.transfer = joinTransfers(call.transfer, facts.transfer);
}

/** A warm or cold transfer stays one, even when a less specific event follows. */
function joinTransfers(known: Transfer | undefined, next: Transfer): Transfer {
  const kind = next.kind === "unknown" ? (known?.kind ?? "unknown") : next.kind;
  return { ...known, ...next, kind };
}

/**
 * Adds to a call what `more` knows and the call does not. A talk time of zero is no better than none: it is what some
 * callbacks send before the figure is final.
 */
export function fillIn(call: FoldedCall, more: FoldedCall): void {
  const { callId, legs, phase, agents, outcome, reason, custom, recording, transfer, ...facts } = more;
  if (phaseRank[phase] > phaseRank[call.phase]) call.phase = phase;
  if (outcome && (!call.outcome || outcomeRank[outcome] > outcomeRank[call.outcome])) {
    call.outcome = outcome;
    call.reason = reason ?? call.reason;
  }
  call.reason ??= reason;
  call.talkSeconds ||= facts.talkSeconds ?? call.talkSeconds;
  // Once an event names the customer, the other end is dropped.
  if (call.customer) delete facts.otherEnd;
  Object.assign(call, { ...facts, ...known(call) });
  if (custom) call.custom = { ...custom, ...call.custom };
  if (recording) call.recording = recordingOf(call.recording, recording);
  if (transfer) call.transfer = joinTransfers(transfer, call.transfer ?? transfer);
  call.agents = joinAgents([...call.agents, ...agents]);
}

/** The first link stays; the expiry of another link does not apply to it. */
function recordingOf(first: Recording | undefined, more: Recording): Recording {
  if (!first) return more;
  const { ref: _, ...rest } = more;
  const good = first.ref === more.ref ? rest : rest.seconds === undefined ? {} : { seconds: rest.seconds };
  return { ...first, ...good, ...first };
}

function known(call: FoldedCall): Partial<FoldedCall> {
  return Object.fromEntries(Object.entries(call).filter(([, value]) => value !== undefined));
}

function earliest(a: string | undefined, b: string | undefined): string | undefined {
  return !a || (b && b < a) ? b || a : a;
}

function latest(a: string | undefined, b: string | undefined): string | undefined {
  return !a || (b && b > a) ? b || a : a;
}

type IdLink = { id: string; next?: IdLink };

/** `ids` from `first` to `last`. `joined`: another agent that this one turned out to be. */
type JoinedAgent = Omit<Agent, "ids"> & {
  order: number;
  first?: IdLink;
  last?: IdLink;
  joined?: JoinedAgent;
};

/**
 * Agents that share an id are one agent, also two who turn out to be one by a third id. A later name, email or kind
 * replaces an earlier one. Takes time in proportion to the ids, however they are joined.
 */
export function joinAgents(reported: Iterable<Agent>): Agent[] {
  const byId = new Map<string, JoinedAgent>();
  const agents: JoinedAgent[] = [];
  for (const agent of reported) {
    const same = [...new Set(agent.ids.flatMap((id) => survivorOf(byId.get(id)) ?? []))];
    same.sort((a, b) => a.order - b.order);
    const known = same[0] ?? { order: agents.length };
    if (same.length === 0) agents.push(known);
    replaceFacts(known, same, agent);
    for (const other of same.slice(1)) absorb(known, other);
    for (const id of agent.ids) {
      if (byId.has(id)) continue;
      byId.set(id, known);
      const link = { id };
      append(known, link, link);
    }
  }
  return agents.filter(({ joined }) => !joined).map(toAgent);
}

/** Each step shortens the path for those that come after. */
function survivorOf(agent: JoinedAgent | undefined): JoinedAgent | undefined {
  let last = agent;
  while (last?.joined) {
    last.joined = last.joined.joined ?? last.joined;
    last = last.joined;
  }
  return last;
}

function replaceFacts(known: JoinedAgent, same: readonly JoinedAgent[], reported: Agent): void {
  const name = reported.name || same.findLast((agent) => agent.name)?.name;
  const email = reported.email || same.findLast((agent) => agent.email)?.email;
  const kind = reported.kind ?? same.findLast((agent) => agent.kind)?.kind;
  let talkedAt = reported.talkedAt;
  for (const agent of same)
    if (agent.talkedAt && (!talkedAt || agent.talkedAt > talkedAt)) talkedAt = agent.talkedAt;
  Object.assign(known, name && { name }, email && { email }, kind && { kind }, talkedAt && { talkedAt });
}

function absorb(known: JoinedAgent, other: JoinedAgent): void {
  other.joined = known;
  if (other.first && other.last) append(known, other.first, other.last);
}

function append(known: JoinedAgent, first: IdLink, last: IdLink): void {
  if (known.last) known.last.next = first;
  else known.first = first;
  known.last = last;
}

function toAgent({ order, first, last, joined, ...facts }: JoinedAgent): Agent {
  const ids: string[] = [];
  for (let link = first; link; link = link.next) ids.push(link.id);
  return { ids, ...facts };
}
