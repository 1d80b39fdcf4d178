import type { AgentRef, CallEvent, Direction, Facts, Party, Phase, Transfer } from "../../core/call.ts";
import { outcomeOfWord, plainWord } from "../../lib/words.ts";
import type { Notification, Person } from "./wire.ts";

const phases = new Map<string, Phase>([
  ["created", "ringing"],
  ["ringing", "ringing"],
  ["in-progress", "answered"],
  ["ended", "ended"],
]);

/** The event of a notification; none when its status is unknown. */
export function eventsOf(notification: Notification): CallEvent[] {
  const { callId, mergedId, status, at } = notification;
  const kind = transferKind(notification);
  const phase = kind === "warm" ? "answered" : phases.get(status);
  if (!phase && !kind) return [];
  const agents = agentsOf(notification, kind);
  const facts: Facts = {
    ...partiesOf(notification),
    ...(agents.length > 0 && { agents }),
    // Any notification may be the only one that arrives; the fold uses the earliest time.
    startedAt: at,
    ...(phase === "answered" && !kind && { answeredAt: at }),
    ...(phase === "ended" && endOf(notification)),
    ...(kind && { transfer: transferOf(notification, kind) }),
  };
  return [
    {
      callId,
      ...(mergedId && { sameCallAs: mergedId }),
      at,
      kind: status,
      ...(phase && { phase }),
      facts,
    },
  ];
}

/**
 * The help page (2026) spells the status of both transfers `transfer` in its field lists and `warm-transfer` and
 * `cold-transfer` elsewhere. For `transfer` the targets decide: a warm transfer always has one, a cold one may have
 * more.
 */
function transferKind({ status, targets }: Notification): Transfer["kind"] | undefined {
  if (status === "warm-transfer") return "warm";
  if (status === "cold-transfer") return "cold";
  if (status !== "transfer") return undefined;
  if (targets.length === 0) return "unknown";
  return targets.length === 1 ? "warm" : "cold";
}

function transferOf({ targets, dialled, redirector }: Notification, kind: Transfer["kind"]): Transfer {
  const target = targets.length === 1 ? targets[0] : undefined;
  const from = party(redirector.number, redirector.name);
  const to = party(target?.number ?? dialled, target?.name);
  const by = redirector.name ?? redirector.number;
  return { kind, ...(from && { from }), ...(to && { to }), ...(by && { by }) };
}

/**
 * A caller who leaves the queue while a phone rings also gets `completed` (users' reports): only an in-progress shows
 * that the call was answered. In other directions `completed` means answered.
 */
function endOf(notification: Notification): Facts {
  const { reason, at } = notification;
  const outcome = outcomeOfWord(reason) ?? "unknown";
  const isOpen = plainWord(reason) === "completed" && directionOf(notification) === "inbound";
  return {
    endedAt: at,
    outcome,
    ...(isOpen && { unlessAnswered: "abandoned" as const }),
    ...(reason && { reason }),
  };
}

/**
 * Voys reports a call between colleagues as `outbound`, including the consultation before a transfer (help page, 2026).
 * It is internal when everyone in it has an internal number, or when both numbers are extensions.
 */
function directionOf({ direction, caller, dialled, targets }: Notification): Direction | undefined {
  if (isExtension(caller.number) && isExtension(dialled)) return "internal";
  const colleagues = isColleague(caller) && targets.length > 0 && targets.every(isColleague);
  return direction === "outbound" && colleagues ? "internal" : direction;
}

function partiesOf(notification: Notification): Facts {
  const { caller, dialled, targets } = notification;
  const direction = directionOf(notification);
  if (!direction || direction === "internal") return direction ? { direction } : {};
  const inbound = direction === "inbound";
  // The outbound number is as the agent dialled it, perhaps national, and targets may be dial-plan ids.
  const customer = inbound
    ? party(caller.number, caller.name)
    : party(dialled, targets.length === 1 ? targets[0]?.name : undefined);
  const line = inbound ? dialled : isExtension(caller.number) ? undefined : caller.number;
  return { direction, ...(customer && { customer }), ...(line && { line }) };
}

/** The agents. With several targets it is not known yet which of them talked. */
function agentsOf(notification: Notification, transfer: Transfer["kind"] | undefined): AgentRef[] {
  const { caller, targets, status } = notification;
  const direction = directionOf(notification);
  const company =
    transfer || direction === "inbound"
      ? targets
      : direction === "outbound"
        ? [caller]
        : [caller, ...targets].filter(isColleague);
  const talked = targets.length <= 1 && (status === "in-progress" || transfer === "warm");
  return company.flatMap((person) => agentOf(person, notification, talked) ?? []);
}

/**
 * Internal numbers identify an agent. A phone number does so only when there is nothing else and it is not the number
 * of the call itself: several targets may share one, and agents that share an id are one agent.
 */
function agentOf(person: Person, { caller, dialled }: Notification, talked: boolean): AgentRef | undefined {
  const { number, name, email, accountNumbers, userNumbers } = person;
  const own = number !== dialled && (person !== caller || isExtension(number)) ? number : undefined;
  const internal = [...new Set([...accountNumbers, ...userNumbers])];
  const other = own ?? email;
  const ids = internal.length > 0 ? internal : other ? [other] : [];
  if (ids.length === 0) return undefined;
  return { ids, ...(name && { name }), ...(email && { email }), ...(talked && { talked }) };
}

function isColleague({ accountNumbers, userNumbers }: Person): boolean {
  return accountNumbers.length > 0 || userNumbers.length > 0;
}

function isExtension(number: string | undefined): boolean {
  return number !== undefined && /^\d{1,6}$/.test(number);
}

function party(number: string | undefined, name: string | undefined): Party | undefined {
  if (!number && !name) return undefined;
  return { ...(number && { number }), ...(name && { name }) };
}
