import { isMissed, type Scalar } from "../core/call.ts";
import { durationText, localTime } from "./local-time.ts";
import { type View, zoneOf } from "./view.ts";

/** When the call began: the earliest time that the provider told. */
export function startOf({ call }: View): string | undefined {
  return call.startedAt ?? call.answeredAt ?? call.endedAt;
}

export function msOf(iso: unknown): number | undefined {
  const ms = typeof iso === "string" ? Date.parse(iso) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

export function localStart(view: View): { date: string; time: string } | undefined {
  return localTime(startOf(view), zoneOf(view));
}

/** Whole units of the talk time: `units` is how many of them make a second. */
export function talkTime({ call }: View, units: number): number | undefined {
  const seconds = call.talkSeconds;
  return typeof seconds === "number" && seconds >= 0 && Number.isFinite(seconds)
    ? Math.round(seconds * units)
    : undefined;
}

export function talkText(view: View): string | undefined {
  const seconds = talkTime(view, 1);
  return seconds === undefined ? undefined : durationText(seconds);
}

export function wasMissed({ call }: View): boolean | undefined {
  const { phase, direction, outcome } = call;
  if (phase !== "ended" || !direction || !outcome) return undefined;
  return isMissed({ phase, direction, outcome });
}

/** The sort of call in words that a rep would use. */
export function kindOfCall(view: View): string {
  const { direction, outcome } = view.call;
  if (direction === "internal") return "Internal call";
  if (direction === "inbound" && outcome === "voicemail") return "Voicemail";
  if (wasMissed(view)) return "Missed call";
  if (direction === "inbound") return "Inbound call";
  if (direction !== "outbound") return "Call";
  const reached = outcome === undefined || ["completed", "voicemail", "unknown"].includes(outcome);
  return reached ? "Outbound call" : "Unanswered call";
}

export function customerNumber({ call, customerNumber }: View): string | undefined {
  return customerNumber ?? call.customer?.number;
}

/** What to call the customer: their name in the CRM, else the caller's name, else the number unless it was withheld. */
export function customerLabel(view: View): string | undefined {
  const number = customerNumber(view);
  const dialable = typeof number === "string" && /\d/.test(number) ? number : undefined;
  return view.contact?.name || view.call.customer?.name || dialable;
}

export function fromOf(view: View): string | undefined {
  if (view.call.direction === "inbound") return customerNumber(view);
  return view.call.direction === "outbound" ? view.call.line : undefined;
}

export function toOf(view: View): string | undefined {
  if (view.call.direction === "inbound") return view.call.line;
  return view.call.direction === "outbound" ? customerNumber(view) : undefined;
}

type AgentFacts = { name?: string; email?: string; id?: string };

/** Who talked last with the customer, or the only agent there was. The directory knows names better than the provider. */
export function agentOf({ call, agent }: View): AgentFacts {
  const agents = Array.isArray(call.agents) ? call.agents : [];
  const talked = agents.filter((one) => one?.talkedAt);
  const last = talked.sort((a, b) => ((a.talkedAt ?? "") < (b.talkedAt ?? "") ? -1 : 1)).at(-1);
  const told = last ?? (agents.length === 1 ? agents[0] : undefined);
  const name = agent?.name ?? told?.name;
  const email = agent?.email ?? told?.email;
  const id = Array.isArray(told?.ids) ? told.ids[0] : undefined;
  return { ...(name && { name }), ...(email && { email }), ...(id && { id }) };
}

/** The first word of a person's name; a company has none. */
export function firstName({ contact }: View): string | undefined {
  if (contact?.kind === "company" || typeof contact?.name !== "string") return undefined;
  return contact.name.trim().split(/\s+/, 1)[0];
}

/** An own member by name: a mapping cannot reach `constructor` or `__proto__`. */
export function memberOf(members: Record<string, Scalar> | undefined, name: string): Scalar | undefined {
  return members && typeof members === "object" && Object.hasOwn(members, name) ? members[name] : undefined;
}
