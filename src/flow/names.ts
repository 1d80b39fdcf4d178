import type { Agent, Call } from "../core/call.ts";
import type { Owner } from "../core/contact.ts";
import { findAgent, sameEmail } from "../core/directory.ts";
import type { InstallationSettings } from "../core/settings.ts";

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
