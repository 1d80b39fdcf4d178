import type { Agent, Call } from "../../core/call.ts";
import type { Contact, Owner } from "../../core/contact.ts";
import { type AgentEntry, findAgent, type InstallationSettings, sameEmail } from "../../core/settings.ts";
import { whyTalked } from "./agent-names.ts";

/** `fallback`: owns it when the CRM refuses the owner. */
export type OwnerChoice = { owner?: Owner; fallback?: Owner; why: string; agent?: AgentEntry };

/** Somebody of the call who may own it. `first`: before the contact's owner. `did`: for the reason why not. */
type OwnerCandidate = { entry: AgentEntry; why: string; did: string; first: boolean };

type OwnerFacts = Pick<Call, "agents" | "provider" | "direction">;

/**
 * Whose activity it is: the agent who talked last with the customer, or who made the call when nobody talked; else the
 * contact's owner; else the only one whose phone rang, or the owner of the AI agent; else the default. One who has left
 * the CRM is passed over.
 */
export function chooseOwner(
  settings: InstallationSettings,
  owners: readonly Owner[],
  call: OwnerFacts,
  contact: Contact | undefined,
): OwnerChoice {
  const candidate = candidateOf(settings, owners, call);
  const { entry } = candidate ?? {};
  const users = entry && owners.filter(({ email }) => email !== undefined && sameEmail(email, entry.email));
  const user = users?.find(isActive);
  const stated = defaultOwnerOf(settings, owners);
  const fallback = stated && isActive(stated) ? stated : undefined;
  const rest = { ...(fallback && { fallback }) };
  const theirs = candidate && user && { owner: user, why: candidate.why, ...rest, agent: candidate.entry };
  if (theirs && candidate.first) return theirs;
  const absent = users?.length ? "has left the CRM" : "is no CRM user";
  const notes = candidate && !user ? [`${candidate.entry.email} ${candidate.did}, but ${absent}`] : [];
  const known = { ...rest, ...(candidate?.first && { agent: candidate.entry }) };
  const ownsContact = contact?.ownerId === undefined ? undefined : ownerOf(owners, contact.ownerId);
  if (ownsContact && isActive(ownsContact))
    return { owner: ownsContact, why: sentence("owns the contact", notes), ...known };
  if (ownsContact)
    notes.push(`${nameOf(ownsContact)} owns the contact, but cannot own activities (any more)`);
  if (theirs) return { ...theirs, why: sentence(theirs.why, notes) };
  if (fallback)
    return { owner: fallback, why: sentence("the installation's default owner", notes), ...known };
  const noContact = ownsContact ? "" : "the contact has no owner, and ";
  const noDefault = stated
    ? `the default owner ${nameOf(stated)} cannot own activities (any more)`
    : "there is no default";
  const noAgent = candidate ? "" : "no agent of the directory talked, ";
  return { why: sentence(`${noAgent}${noContact}${noDefault}`, notes), ...known };
}

/** Who talked counts before who did not; of those who did not, only one who was alone. */
function candidateOf(
  settings: InstallationSettings,
  owners: readonly Owner[],
  call: OwnerFacts,
): OwnerCandidate | undefined {
  const talker = lastToTalk(settings, owners, call);
  if (talker)
    return { entry: talker, why: whyTalked(settings, call, talker.email), did: "talked", first: true };
  if (call.agents.some(({ talkedAt }) => talkedAt !== undefined)) return undefined;
  const people = call.agents.filter(({ kind }) => kind !== "ai");
  const entry = onlyOne(settings, owners, call.provider, people.length > 0 ? people : call.agents);
  if (!entry) return undefined;
  if (people.length === 0)
    return {
      entry,
      why: `has the AI agent of the call (${entry.email})`,
      did: "has the AI agent of the call",
      first: false,
    };
  if (call.direction === "outbound")
    return { entry, why: `made the call (${entry.email})`, did: "made the call", first: true };
  return { entry, why: `their phone rang (${entry.email})`, did: "was called", first: false };
}

/** The one whom all of these agents are; undefined when they are several, or one of them is unknown. */
function onlyOne(
  settings: InstallationSettings,
  owners: readonly Owner[],
  provider: string,
  agents: readonly Agent[],
): AgentEntry | undefined {
  const entries = agents.map((agent) => entryOf(settings, owners, provider, agent));
  const [first] = entries;
  return entries.every((entry) => entry && first && sameEmail(entry.email, first.email)) ? first : undefined;
}

function defaultOwnerOf({ defaultOwner }: InstallationSettings, owners: readonly Owner[]): Owner | undefined {
  if (defaultOwner === undefined) return undefined;
  const found = owners.filter(
    ({ id, email }) => id === defaultOwner || (email !== undefined && sameEmail(email, defaultOwner)),
  );
  const byId = defaultOwner.includes("@") ? undefined : { id: defaultOwner };
  return found.find(isActive) ?? found[0] ?? byId;
}

function ownerOf(owners: readonly Owner[], wanted: string): Owner {
  return owners.find(({ id }) => id === wanted) ?? { id: wanted };
}

function isActive({ left }: Owner): boolean {
  return left !== true;
}

function nameOf({ id, name, email }: Owner): string {
  return name ?? email ?? id;
}

function sentence(why: string, notes: readonly string[]): string {
  return [why, ...notes].join("; ");
}

function lastToTalk(
  settings: InstallationSettings,
  owners: readonly Owner[],
  call: OwnerFacts,
): AgentEntry | undefined {
  const talkers = call.agents.filter(({ talkedAt }) => talkedAt !== undefined);
  talkers.sort((a, b) => compareTimes(b.talkedAt, a.talkedAt));
  return talkers.flatMap((talker) => entryOf(settings, owners, call.provider, talker) ?? [])[0];
}

/** An agent who is not in the directory is recognised by the e-mail address that the provider sends, if a CRM user has it. */
function entryOf(
  { agents, region }: InstallationSettings,
  owners: readonly Owner[],
  provider: string,
  agent: Agent,
): AgentEntry | undefined {
  const entry = findAgent(agents, provider, agent, region);
  if (entry) return entry;
  const { email, name } = agent;
  const isUser = owners.some((owner) => email !== undefined && sameEmail(owner.email ?? "", email));
  return email !== undefined && isUser ? { email, ...(name !== undefined && { name }) } : undefined;
}

/** Of two who talked at the same moment, the one who came first stays first. */
function compareTimes(a = "", b = ""): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
