import type { Call } from "../core/call.ts";
import type { Contact, Owner } from "../core/contact.ts";
import { type AgentEntry, findAgent, sameEmail } from "../core/directory.ts";
import type { InstallationSettings } from "../core/settings.ts";
import { whyTalked } from "./names.ts";

/** `fallback`: owns it when the CRM refuses the owner. */
export type OwnerChoice = { owner?: Owner; fallback?: Owner; why: string; agent?: AgentEntry };

/**
 * Whose activity it is: the agent who talked last with the customer, else the contact's owner, else the default. One who
 * has left the CRM is passed over.
 */
export function chooseOwner(
  settings: InstallationSettings,
  owners: readonly Owner[],
  call: Pick<Call, "agents" | "provider">,
  contact: Contact | undefined,
): OwnerChoice {
  const agent = lastToTalk(settings, owners, call);
  const byAgent = agent && owners.filter(({ email }) => email !== undefined && sameEmail(email, agent.email));
  const talker = byAgent?.find(isActive);
  const stated = defaultOwnerOf(settings, owners);
  const fallback = stated && isActive(stated) ? stated : undefined;
  const rest = { ...(fallback && { fallback }), ...(agent && { agent }) };
  if (agent && talker) return { owner: talker, why: whyTalked(settings, call, agent.email), ...rest };
  const absent = byAgent?.length ? "has left the CRM" : "is no CRM user";
  const notes = agent ? [`${agent.email} talked, but ${absent}`] : [];
  const ownsContact = contact?.ownerId === undefined ? undefined : ownerOf(owners, contact.ownerId);
  if (ownsContact && isActive(ownsContact))
    return { owner: ownsContact, why: sentence("owns the contact", notes), ...rest };
  if (ownsContact)
    notes.push(`${nameOf(ownsContact)} owns the contact, but cannot own activities (any more)`);
  if (fallback) return { owner: fallback, why: sentence("the installation's default owner", notes), ...rest };
  const noContact = ownsContact ? "" : "the contact has no owner, and ";
  const noDefault = stated
    ? `the default owner ${nameOf(stated)} cannot own activities (any more)`
    : "there is no default";
  const noAgent = agent ? "" : "no agent of the directory talked, ";
  return { why: sentence(`nobody: ${noAgent}${noContact}${noDefault}`, notes), ...rest };
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

/** Whoever is not in the directory is known by the e-mail address that the provider tells, if a user of the CRM has it. */
function lastToTalk(
  { agents, region }: InstallationSettings,
  owners: readonly Owner[],
  call: Pick<Call, "agents" | "provider">,
): AgentEntry | undefined {
  const talkers = call.agents.filter(({ talkedAt }) => talkedAt !== undefined);
  talkers.sort((a, b) => compareTimes(b.talkedAt, a.talkedAt));
  for (const talker of talkers) {
    const entry = findAgent(agents, call.provider, talker, region);
    if (entry) return entry;
    const { email, name } = talker;
    const isUser = owners.some((owner) => email !== undefined && sameEmail(owner.email ?? "", email));
    if (email !== undefined && isUser) return { email, ...(name !== undefined && { name }) };
  }
  return undefined;
}

/** Of two who talked at the same moment, the one who came first stays first. */
function compareTimes(a = "", b = ""): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
