import type { Agent } from "./call.ts";

type IdLink = { id: string; next?: IdLink };

/** `ids` from `first` to `last`. `joined`: another agent that this one turned out to be. */
type JoinedAgent = Omit<Agent, "ids"> & {
  order: number;
  first?: IdLink;
  last?: IdLink;
  joined?: JoinedAgent;
};

/**
 * Agents that share an id are one agent, also two who turn out to be one by a third id. A later name, email or kind
 * replaces an earlier one. Takes time in proportion to the ids, however they are joined.
 */
export function joinAgents(reported: Iterable<Agent>): Agent[] {
  const byId = new Map<string, JoinedAgent>();
  const agents: JoinedAgent[] = [];
  for (const agent of reported) {
    const same = [...new Set(agent.ids.flatMap((id) => survivorOf(byId.get(id)) ?? []))];
    same.sort((a, b) => a.order - b.order);
    const known = same[0] ?? { order: agents.length };
    if (same.length === 0) agents.push(known);
    replaceFacts(known, same, agent);
    for (const other of same.slice(1)) absorb(known, other);
    for (const id of agent.ids) {
      if (byId.has(id)) continue;
      byId.set(id, known);
      const link = { id };
      append(known, link, link);
    }
  }
  return agents.filter(({ joined }) => !joined).map(toAgent);
}

/** Each step shortens the path for those that come after. */
function survivorOf(agent: JoinedAgent | undefined): JoinedAgent | undefined {
  let last = agent;
  while (last?.joined) {
    last.joined = last.joined.joined ?? last.joined;
    last = last.joined;
  }
  return last;
}

function replaceFacts(known: JoinedAgent, same: readonly JoinedAgent[], reported: Agent): void {
  const name = reported.name || same.findLast((agent) => agent.name)?.name;
  const email = reported.email || same.findLast((agent) => agent.email)?.email;
  const kind = reported.kind ?? same.findLast((agent) => agent.kind)?.kind;
  let talkedAt = reported.talkedAt;
  for (const agent of same)
    if (agent.talkedAt && (!talkedAt || agent.talkedAt > talkedAt)) talkedAt = agent.talkedAt;
  Object.assign(known, name && { name }, email && { email }, kind && { kind }, talkedAt && { talkedAt });
}

function absorb(known: JoinedAgent, other: JoinedAgent): void {
  other.joined = known;
  if (other.first && other.last) append(known, other.first, other.last);
}

function append(known: JoinedAgent, first: IdLink, last: IdLink): void {
  if (known.last) known.last.next = first;
  else known.first = first;
  known.last = last;
}

function toAgent({ order, first, last, joined, ...facts }: JoinedAgent): Agent {
  const ids: string[] = [];
  for (let link = first; link; link = link.next) ids.push(link.id);
  return { ids, ...facts };
}
