import type { Call } from "../core/call.ts";
import type { Contact, Owner } from "../core/contact.ts";
import { type AgentEntry, findAgent, sameEmail } from "../core/directory.ts";
import type { InstallationSettings } from "../core/settings.ts";
import { whyTalked } from "./names.ts";

export type OwnerChoice = { owner?: Owner; why: string; agent?: AgentEntry };

/**
 * Whose activity it is: the agent who talked last with the customer, else the contact's owner, else the default.
 */
export function chooseOwner(
  settings: InstallationSettings,
  owners: readonly Owner[],
  call: Pick<Call, "agents" | "provider">,
  contact: Contact | undefined,
): OwnerChoice {
  const agent = lastToTalk(settings, owners, call);
  const byAgent = agent && owners.find(({ email }) => email !== undefined && sameEmail(email, agent.email));
  if (agent && byAgent) return { owner: byAgent, agent, why: whyTalked(settings, call, agent.email) };
  const rest = agent ? { agent } : {};
  const note = agent ? `; ${agent.email} talked, but is no CRM user` : "";
  if (contact?.ownerId !== undefined) {
    const owner = owners.find(({ id }) => id === contact.ownerId) ?? { id: contact.ownerId };
    return { owner, why: `owns the contact${note}`, ...rest };
  }
  const { defaultOwner } = settings;
  if (defaultOwner !== undefined) {
    const owner = owners.find(
      ({ id, email }) => id === defaultOwner || (email !== undefined && sameEmail(email, defaultOwner)),
    );
    return { owner: owner ?? { id: defaultOwner }, why: `the installation's default owner${note}`, ...rest };
  }
  return {
    why: `nobody: no agent of the directory talked, the contact has no owner, and there is no default${note}`,
    ...rest,
  };
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
