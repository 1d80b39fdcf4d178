import type { AgentRef, CallEvent, Facts, FoldedCall, Party } from "./call.ts";
import { fold } from "./fold.ts";
import { identityOf } from "./phone.ts";
import { type AgentEntry, idsAt } from "./settings.ts";

/** A number of the company: one of its lines, or the phone of one of its people. */
type OwnKind = "line" | "agent";

/**
 * `kindOf`: undefined for all other numbers. `isConfigured`: whether `companyNumbers` has it, which outweighs what a message
 * says. `isOutside`: whether it is a phone number outside the company. `same`: whether two notations are one number.
 */
export type OwnNumbers = {
  kindOf(number: string | undefined): OwnKind | undefined;
  isConfigured(number: string | undefined): boolean;
  isOutside(number: string | undefined): boolean;
  same(a: string | undefined, b: string | undefined): boolean;
};

/**
 * The numbers that cannot be a customer's while another party is there: `companyNumbers`, the lines that this provider
 * has reported, and the phones and numeric ids of the company's people.
 */
export function ownNumbers(
  settings: { region: string; companyNumbers: readonly string[]; agents: readonly AgentEntry[] },
  provider: string,
  learned: readonly string[],
): OwnNumbers {
  const { region, companyNumbers, agents } = settings;
  const identity = (number: string | undefined) => identityOf(number, region) ?? number?.trim();
  const dialable = (numbers: readonly string[]) =>
    numbers.flatMap((number) => identityOf(number, region) ?? []);
  const configured = new Set(dialable(companyNumbers));
  const lines = new Set([...configured, ...learned]);
  const phones = new Set(
    agents.flatMap((entry) => dialable([...(entry.phones ?? []), ...idsAt(entry, provider)])),
  );
  const kindOf = (number: string | undefined): OwnKind | undefined => {
    const e164 = identityOf(number, region);
    if (e164 === undefined) return undefined;
    return lines.has(e164) ? "line" : phones.has(e164) ? "agent" : undefined;
  };
  const isConfigured = (number: string | undefined): boolean => {
    const known = identityOf(number, region);
    return known !== undefined && configured.has(known);
  };
  return {
    kindOf,
    isConfigured,
    isOutside: (number) => identityOf(number, region) !== undefined && kindOf(number) === undefined,
    same: (a, b) => a !== undefined && b !== undefined && identity(a) === identity(b),
  };
}

/** The call of these events at an installation with these numbers. Names no customer when either end could be it. */
export function foldCall(events: readonly CallEvent[], own: OwnNumbers): FoldedCall {
  const call = fold(events.map((event) => settleCustomer(event, own)));
  if (call.direction === "outbound") return withOutsider(call, own);
  if (call.direction || !call.otherEnd) return call;
  const { customer: _, ...rest } = call;
  return rest;
}

/** When a call rang an agent's phone first and then one outside number, that number is the customer. */
function withOutsider(call: FoldedCall, own: OwnNumbers): FoldedCall {
  const number = call.customer?.number;
  if (number === undefined || own.kindOf(number) !== "agent") return call;
  const outside = call.agents.filter(({ ids }) => ids.some((id) => own.isOutside(id)));
  const [theirs] = outside.flatMap(({ ids }) => ids.filter((id) => own.isOutside(id)));
  if (outside.length !== 1 || theirs === undefined) return call;
  const agents = call.agents.map((agent) =>
    outside.includes(agent) ? { ...agent, ids: [number, ...agent.ids.filter((id) => id !== theirs)] } : agent,
  );
  return { ...call, customer: { number: theirs }, agents };
}

/** The two numbers of a message that leaves open which of them is the customer's. */
export function undecidedEnds({ facts: { customer, otherEnd } }: CallEvent): string[] {
  return otherEnd ? [customer, otherEnd].flatMap((party) => party?.number ?? []) : [];
}

/**
 * The company's own line in an event. In a message that leaves its ends open, only a line that is neither of them.
 * A transfer names the new target in the place of the line.
 */
export function reportedLine({ facts }: CallEvent): string | undefined {
  const { line, customer, otherEnd, direction, transfer } = facts;
  if (!line || transfer || (direction !== "inbound" && direction !== "outbound")) return undefined;
  if (otherEnd && (line === customer?.number || line === otherEnd.number)) return undefined;
  return line;
}

/**
 * An event with its customer decided, as far as the installation's own numbers allow. Otherwise its guess stays, but no
 * agent is named for the number that may be the customer's.
 */
export function settleCustomer(event: CallEvent, own: OwnNumbers): CallEvent {
  const { customer, otherEnd, ...facts } = event.facts;
  if (!customer || !otherEnd) return event;
  let [guessed, other] = [own.kindOf(customer.number), own.kindOf(otherEnd.number)];
  if (guessed && other) {
    // A line from the settings outweighs one that only a message named; between two lines of a kind nothing decides.
    const [first, second] = [own.isConfigured(customer.number), own.isConfigured(otherEnd.number)];
    if (guessed === "agent" || other === "agent" || (first && second)) return event;
    if (!first && !second) return { ...event, facts: { ...facts, otherEnd } };
    if (first) other = undefined;
    else guessed = undefined;
  }
  if (!guessed && !other) return withoutAgent(event, otherEnd, own);
  const [theirs, ours, kind] = guessed
    ? ([otherEnd, customer, guessed] as const)
    : ([customer, otherEnd, other] as const);
  const { agents, otherOutcome, outcome, line: _, ...rest } = facts;
  const decided = (guessed && otherOutcome) || outcome;
  return {
    ...event,
    facts: {
      direction: guessed ? "outbound" : "inbound",
      ...rest,
      customer: theirs,
      ...lineOf(facts, [theirs, ours], kind, own),
      ...agentsOf(agents, [theirs, ours], kind, own),
      ...(decided && { outcome: decided }),
    },
  };
}

function withoutAgent(event: CallEvent, { number }: Party, own: OwnNumbers): CallEvent {
  const { agents = [], ...facts } = event.facts;
  const rest = agents.filter(({ ids }) => !ids.every((id) => own.same(id, number)));
  if (rest.length === agents.length) return event;
  return { ...event, facts: { ...facts, ...(rest.length > 0 && { agents: rest }) } };
}

/** A reported line, unless it turned out to be the customer's number or the phone of an agent. */
function lineOf(
  { line }: Facts,
  [theirs, ours]: readonly [Party, Party],
  kind: OwnKind | undefined,
  own: OwnNumbers,
): { line?: string } {
  const isLine = line !== undefined && !own.same(line, theirs.number) && own.kindOf(line) !== "agent";
  const known = isLine ? line : kind === "line" ? ours.number : undefined;
  return known !== undefined ? { line: known } : {};
}

/** Neither the customer nor a line is an agent. The phone of an agent is, and talked if the agent named for it did. */
function agentsOf(
  named: readonly AgentRef[] = [],
  [theirs, ours]: readonly [Party, Party],
  kind: OwnKind | undefined,
  own: OwnNumbers,
): { agents?: AgentRef[] } {
  const phone = kind === "agent" ? ours.number : undefined;
  const agents = named.flatMap((agent): AgentRef[] => {
    const ids = agent.ids.flatMap((id) => {
      if (own.same(id, theirs.number)) return phone ?? [];
      return own.kindOf(id) === "line" ? [] : id;
    });
    return ids.length > 0 ? [{ ...agent, ids: [...new Set(ids)] }] : [];
  });
  const isNamed = agents.some(({ ids }) => ids.some((id) => own.same(id, phone)));
  if (phone !== undefined && !isNamed) agents.push({ ids: [phone] });
  return agents.length > 0 ? { agents } : {};
}
