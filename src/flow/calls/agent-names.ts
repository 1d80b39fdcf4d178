import type { Agent, Call } from "../../core/call.ts";
import type { Owner } from "../../core/contact.ts";
import { findAgent, type InstallationSettings, sameEmail } from "../../core/settings.ts";

/**
 * The agents of a call under the names that the directory or the CRM has for them. An AI agent keeps its own name: its
 * entry in the directory says whose calls it takes, not who talked.
 */
export function namesOf(
  { agents: directory, region }: Pick<InstallationSettings, "agents" | "region">,
  owners: readonly Owner[],
  { agents, provider }: Pick<Call, "agents" | "provider">,
): Agent[] {
  return agents.map((agent) => {
    if (agent.kind === "ai") return agent;
    const entry = findAgent(directory, provider, agent, region);
    const email = entry?.email ?? agent.email;
    const user = owners.find((owner) => email !== undefined && sameEmail(owner.email ?? "", email));
    const name = entry?.name ?? (entry && user?.name) ?? agent.name ?? user?.name;
    return { ...agent, ...(name !== undefined && { name }), ...(email !== undefined && { email }) };
  });
}

/** How the person of this e-mail address had to do with the conversation, for `explain`. */
export function whyTalked(
  { agents: directory, region }: Pick<InstallationSettings, "agents" | "region">,
  { agents, provider }: Pick<Call, "agents" | "provider">,
  email: string,
): string {
  const talkers = agents
    .filter(({ talkedAt }) => talkedAt !== undefined)
    .sort((a, b) => ((a.talkedAt ?? "") > (b.talkedAt ?? "") ? -1 : 1));
  const isTheirs = (agent: Agent) =>
    sameEmail(findAgent(directory, provider, agent, region)?.email ?? agent.email ?? "", email);
  const theirs = talkers.find(isTheirs);
  if (theirs?.kind === "ai") return `has the AI agent that talked with the customer (${email})`;
  const [last] = talkers;
  if (theirs === undefined || theirs === last) return `talked last with the customer (${email})`;
  const other = last?.name ? `${last.name}, who talked last, is not in it` : "who talked last is not in it";
  return `is the last one in the directory who talked with the customer (${email}); ${other}`;
}
