import type { Agent } from "../../core/call.ts";
import type { Owner } from "../../core/contact.ts";
import { findAgent, sameEmail } from "../../core/settings.ts";
import type { Flow, Installation } from "../installation.ts";

/** An agent in calls who cannot be linked to a CRM user by the directory or an e-mail address. */
type UnknownAgent = {
  provider: string;
  ids: string[];
  name?: string;
  email?: string;
  /** In how many of the latest calls. */
  calls: number;
};

/**
 * Why activities may not get the owner who talked: agents whose e-mail address no CRM user has, users without an agent
 * entry, and agents of the latest calls who are neither.
 */
export type Gaps = { agentsWithoutUser: string[]; usersWithoutAgent: Owner[]; unknownAgents: UnknownAgent[] };

const latestCalls = 200;

export async function gapsOf({ store }: Pick<Flow, "store">, installation: Installation): Promise<Gaps> {
  const { name, agents, region } = installation.settings;
  const owners = (await store.owners(name)).filter(({ left }) => !left);
  const isUser = (email: string) => owners.some((owner) => sameEmail(owner.email ?? "", email));
  const unknown = new Map<string, UnknownAgent>();
  for (const { call } of await store.calls({ installation: name, limit: latestCalls })) {
    for (const agent of call.agents) {
      const isKnown =
        findAgent(agents, call.provider, agent, region) !== undefined ||
        (agent.email !== undefined && isUser(agent.email));
      if (!isKnown) count(unknown, call.provider, agent);
    }
  }
  return {
    agentsWithoutUser: agents.filter(({ email }) => !isUser(email)).map(({ email }) => email),
    usersWithoutAgent: owners.filter(
      (owner) => !agents.some(({ email }) => sameEmail(owner.email ?? "", email)),
    ),
    unknownAgents: [...unknown.values()].sort((a, b) => b.calls - a.calls),
  };
}

function count(unknown: Map<string, UnknownAgent>, provider: string, { ids, name, email }: Agent): void {
  const key = `${provider} ${ids[0]}`;
  const before = unknown.get(key);
  const calls = (before?.calls ?? 0) + 1;
  unknown.set(key, { provider, ids, ...(name && { name }), ...(email && { email }), calls });
}
