import type { Agent } from "../core/call.ts";
import { isWithheld, numberInGroups } from "../core/phone.ts";
import type { View } from "./view.ts";

type AgentFacts = { name?: string; email?: string; id?: string; kind?: "person" | "ai" };

/** The call's agents, by their best known names. */
function peopleOf({ call, people }: View): Agent[] {
  const given: unknown = people ?? call.agents;
  return Array.isArray(given) ? given.filter(isAgent) : [];
}

function isAgent(value: unknown): value is Agent {
  return typeof value === "object" && value !== null && "ids" in value && Array.isArray(value.ids);
}

export function isAi({ kind }: Pick<Agent, "kind">): boolean {
  return kind === "ai";
}

/** In the order in which they last talked with the customer. */
export function agentsWhoTalked(view: View): Agent[] {
  const time = ({ talkedAt }: Agent) => (typeof talkedAt === "string" ? talkedAt : "");
  return peopleOf(view)
    .filter(time)
    .sort((a, b) => (time(a) < time(b) ? -1 : time(a) > time(b) ? 1 : 0));
}

export function onlyAgent(view: View): Agent | undefined {
  const people = peopleOf(view);
  return people.length === 1 ? people[0] : undefined;
}

/** Who talked last with the customer, or the only agent there was. */
function lastAgent(view: View): Agent | undefined {
  return agentsWhoTalked(view).at(-1) ?? onlyAgent(view);
}

export function agentOf(view: View): AgentFacts {
  const agent = lastAgent(view);
  if (!agent) return {};
  const { name, email, kind = "person" } = agent;
  const id = agent.ids[0];
  return { kind, ...(name && { name }), ...(email && { email }), ...(id && { id }) };
}

/** `Asha Rao`, `AI agent Reception bot`, `AI agent`; undefined for a person with an opaque id only. */
function agentLabel(agent: Agent | undefined): string | undefined {
  if (!agent) return undefined;
  const name = textOf(agent.name) ?? textOf(agent.email);
  if (isAi(agent)) return `AI agent ${name ?? ""}`.trim();
  return name ?? agent.ids.flatMap((id) => idInWords(id) ?? [])[0];
}

/** The first who talked, or the only agent there was: who took or made the call. */
export function firstAgentLabel(view: View): string | undefined {
  return agentLabel(agentsWhoTalked(view)[0] ?? onlyAgent(view));
}

/** The name for a title, where an extension is not enough. */
export function firstAgentName(view: View): string | undefined {
  const agent = agentsWhoTalked(view)[0] ?? onlyAgent(view);
  return agent && agentLabel({ ...agent, ids: [] });
}

export function lastAgentLabel(view: View): string | undefined {
  return agentLabel(lastAgent(view));
}

/** The agents whose phones rang without their talking. */
export function agentsWhoRang(view: View): string[] {
  const rang = peopleOf(view).filter(({ talkedAt, ...agent }) => !talkedAt && !isAi(agent));
  return [...new Set(rang.flatMap((agent) => agentLabel(agent) ?? []))];
}

/** The first and the last agent of the customer. */
export function transferEnds(view: View): { from?: string; to?: string } {
  const { transfer } = view.call;
  if (!transfer || typeof transfer !== "object") return {};
  const talkers = agentsWhoTalked(view);
  const { from, to, by } = transfer;
  const target = known(view, to?.number, to?.name);
  const last = talkers.length > 1 ? talkers.at(-1) : undefined;
  const toLabel = agentLabel(target ?? last) ?? textOf(to?.name) ?? textOf(to?.number);
  const given = known(view, from?.number, from?.name) ?? known(view, by, by);
  const giver = given ?? talkers.filter((one) => one !== (target ?? last))[0] ?? onlyAgent(view);
  const fromLabel = agentLabel(giver) ?? textOf(from?.name) ?? textOf(from?.number) ?? textOf(by);
  return {
    ...(fromLabel && fromLabel !== toLabel && { from: fromLabel }),
    ...(toLabel && { to: toLabel }),
  };
}

/** `Asha Rao -> Cees Bakker, warm`. */
export function transferText(view: View): string | undefined {
  const { from, to } = transferEnds(view);
  if (to === undefined) return undefined;
  const kind = view.call.transfer?.kind;
  const way = from === undefined ? `to ${to}` : `${from} -> ${to}`;
  return kind === "warm" || kind === "cold" ? `${way}, ${kind}` : way;
}

function known(view: View, id: string | undefined, name: string | undefined): Agent | undefined {
  const same = (agent: Agent) => agent.ids.some((one) => textOf(one) !== undefined && one === id);
  const named = (agent: Agent) => textOf(name) !== undefined && agent.name === name;
  const people = peopleOf(view);
  return people.find(same) ?? people.find(named);
}

/** Extensions and numbers mean something to a rep, a provider's own ids do not. */
function idInWords(id: unknown): string | undefined {
  if (typeof id !== "string") return undefined;
  if (/^\d{2,6}$/.test(id)) return `extension ${id}`;
  return /^\+?\d{7,15}$/.test(id) ? id : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
}

/** The name that earlier versions gave to the contact of an unknown caller. */
const ourPlaceholder = /^unknown caller$/i;
/** Texts that providers and carriers send in place of a name. */
const noName =
  /^(unknown|anonymous|private|restricted|unavailable|withheld|blocked|wireless|no|toll free)?( ?(caller|name|number|id|call))*$/i;
const longestName = 100;

export function isWithheldCall({ call, installation }: View): boolean {
  const number = call.customer?.number;
  return typeof number === "string" && isWithheld(number, installation?.region);
}

/** The caller's name as the provider sent it; undefined for a number or a placeholder. */
function sentName({ call }: View): string | undefined {
  const name = call.customer?.name;
  if (typeof name !== "string" || !/\p{L}/u.test(name) || noName.test(name.trim())) return undefined;
  return name;
}

/** The customer's label: the name in the CRM, else the caller's name, else the number unless it was withheld. */
export function customerLabel(view: View): string | undefined {
  const name = view.contact?.name;
  const known = typeof name === "string" && !ourPlaceholder.test(name.trim()) ? inGroups(name) : undefined;
  if (isWithheldCall(view)) return known;
  return known || sentName(view) || numberText(view);
}

/** The label for a title: shortened, and with words for a withheld number. */
export function customerInTitle(view: View): string | undefined {
  const label = customerLabel(view) ?? (isWithheldCall(view) ? "a withheld number" : undefined);
  if (label === undefined || label.length <= longestName) return label;
  return `${label.slice(0, longestName - 1).toWellFormed()}…`;
}

/** The name of a new contact, by which a rep can tell it from others. */
export function newContactName(view: View): string | undefined {
  return sentName(view) ?? numberText(view);
}

/** The number in groups, as people read it; written the same way in every text. */
export function numberText(view: View): string | undefined {
  const number = isWithheldCall(view) ? undefined : dialable(view);
  return number && numberInGroups(number);
}

/** A contact may be named by its number. */
function inGroups(name: string): string {
  return /^\+\d{7,15}$/.test(name.trim()) ? numberInGroups(name.trim()) : name;
}

function dialable({ call, customerNumber }: View): string | undefined {
  const number = customerNumber ?? call.customer?.number;
  return typeof number === "string" && /\d/.test(number) ? number : undefined;
}

/** The names of the other contacts with this number. */
export function sharedWith({ sharedWith }: View): string | undefined {
  if (!Array.isArray(sharedWith)) return undefined;
  const names = sharedWith.filter((name): name is string => typeof name === "string" && name !== "");
  return listText([...new Set(names)]);
}

/** `Asha, Ben and Cees`; undefined for an empty list. */
export function listText(names: readonly string[]): string | undefined {
  const last = names.at(-1);
  return names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${last}` : last;
}
