import type { AgentRef, CallEvent, Direction, Facts, Phase } from "../../core/call.ts";
import { exotelTime } from "./values.ts";
import type { ExotelMessage } from "./wire.ts";

/** One of Exotel's formats for calls. */
export type Dialect = {
  speaks(message: ExotelMessage): boolean;
  /** The name of this message's event. */
  kind(message: ExotelMessage): string;
  events(message: ExotelMessage, callId: string): CallEvent[];
};

/** One event, or none when nothing is known. `times`: candidates for its own time, best first. */
export function eventsFrom(
  message: ExotelMessage,
  event: {
    callId: string;
    kind: string;
    times: readonly (string | undefined)[];
    phase?: Phase;
    facts: Facts;
  },
): CallEvent[] {
  const facts = known(event.facts);
  if (!event.phase && Object.keys(facts).length === 0) return [];
  const at = event.times.map(exotelTime).find((time) => time !== undefined) ?? message.receivedAt;
  return [{ callId: event.callId, at, kind: event.kind, ...(event.phase && { phase: event.phase }), facts }];
}

/**
 * An agent by all of Exotel's ids for them: the user part of `sip:agent_001@app.exotel.com` is an id too, and the
 * first.
 */
export function agentsOf(
  ids: readonly (string | undefined)[],
  {
    email,
    talked,
    not = [],
  }: { email?: string; talked?: boolean; not?: readonly (string | undefined)[] } = {},
): AgentRef[] {
  const own = ids
    .filter((id) => id !== undefined)
    .filter((id) => !not.some((other) => sameNumber(id, other)));
  const all = [...new Set(own.flatMap((id) => [...sipUser(id), id]))];
  if (all.length === 0 && !email) return [];
  return [
    { ids: all.length > 0 ? all : [email ?? ""], ...(email && { email }), ...(talked && { talked: true }) },
  ];
}

/**
 * Which of the two is the customer. Without a direction only a SIP address decides: it is an agent's (WebRTC users are
 * reached by `sip:`); two or none of them decide nothing.
 */
export function sidesOf(
  direction: Direction | undefined,
  from: string | undefined,
  to: string | undefined,
): Sides {
  const inbound = direction ? direction === "inbound" : isSip(to) && !isSip(from);
  const outbound = direction ? direction === "outbound" : isSip(from) && !isSip(to);
  if (!inbound && !outbound) return {};
  return inbound ? between(from, to) : between(to, from);
}

/** `otherEnd`: may be the customer instead. */
export type Sides = { customer?: string; agent?: string; otherEnd?: string };

/**
 * The sides of an outgoing call of the API, a flow or a campaign. `From` is the number that was called first: an
 * agent's, or the customer's with an agent or the ExoPhone in `To` (developer.exotel.com, make-a-call-api and
 * connect-to-flow). A SIP address and the call's own line decide; otherwise `guess` is taken for the customer.
 */
export function outboundSides(
  from: string | undefined,
  to: string | undefined,
  line: string | undefined,
  guess: "from" | "to",
): Sides {
  const [fromIsOurs, toIsOurs] = [from, to].map((end) => isSip(end) || sameNumber(end, line));
  if (!from || !to || fromIsOurs !== toIsOurs) {
    const customerIsFrom = from !== undefined && (to === undefined || toIsOurs === true);
    return customerIsFrom ? between(from, to) : between(to, from);
  }
  const [customer, other] = guess === "from" ? [from, to] : [to, from];
  return { ...between(customer, other), ...(!fromIsOurs && { otherEnd: other }) };
}

function between(customer: string | undefined, agent: string | undefined): Sides {
  return { ...(customer && { customer }), ...(agent && { agent }) };
}

export function partyOf(number: string | undefined, name?: string): Facts["customer"] {
  if (!number && !name) return undefined;
  return { ...(number && { number }), ...(name && { name }) };
}

/** Equal, or with the same last ten digits: `+911234567890` and `01234567890`. */
export function sameNumber(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return a === b || (isNumber(a) && isNumber(b) && a.slice(-10) === b.slice(-10));
}

export function isSip(address: string | undefined): boolean {
  return /^sips?:/i.test(address ?? "");
}

function isNumber(text: string): boolean {
  return /^\+?\d{10,15}$/.test(text);
}

function sipUser(id: string): string[] {
  const user = /^sips?:([^@;]+)/i.exec(id)?.[1];
  return user ? [user] : [];
}

/** Without what is absent or empty. */
function known(facts: Facts): Facts {
  const present = Object.entries(facts).filter(
    ([, value]) => value !== undefined && !(typeof value === "object" && Object.keys(value).length === 0),
  );
  return Object.fromEntries(present);
}
