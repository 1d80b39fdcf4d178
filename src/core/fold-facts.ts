import type { CallEvent, Facts, FoldedCall, Outcome, Phase, Recording, Transfer } from "./call.ts";
import { joinAgents } from "./fold-agents.ts";

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
