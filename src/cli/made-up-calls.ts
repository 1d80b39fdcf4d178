import { createHash } from "node:crypto";
import type { AgentEntry } from "../core/directory.ts";
import type { SimulatedCall } from "../core/provider.ts";

export const directions = ["inbound", "outbound"] as const;
export const simulatedOutcomes = ["completed", "no-answer", "busy"] as const;

/** The options of simulated calls. The same options with the same seed give the same calls, except for their times. */
export type Wishes = {
  seed: string;
  provider: string;
  direction?: SimulatedCall["direction"];
  outcome?: SimulatedCall["outcome"];
  customers: readonly string[];
  agents: readonly string[];
};

/** Numbers of the demo's contacts, and at last an unknown one. */
export const demoCustomers = [
  "+919876543210",
  "+12137771234",
  "+31612345678",
  "+31501234567",
  "+12025550199",
] as const;

/** The company's own number at each provider; the American one is reserved for fiction. */
const lines: Readonly<Record<string, string>> = {
  exotel: "+918047112200",
  voys: "+31852018800",
  bird: "+31852018801",
  retell: "+12135550100",
};

const unknownAgents: Readonly<Record<string, string>> = { voys: "201", retell: "agent_front_desk" };

/** The agents of a provider in the directory of an installation. */
export function agentsAt(directory: readonly AgentEntry[], provider: string): string[] {
  const ids = directory.flatMap((entry) => (Object.hasOwn(entry, provider) ? (entry[provider] ?? []) : []));
  return ids.length > 0 ? ids : [unknownAgents[provider] ?? "agent_001"];
}

/** The call with this index, without its time. */
export function madeUpCall(wishes: Wishes, index: number): Omit<SimulatedCall, "startedAt"> {
  const { provider, seed } = wishes;
  const bytes = createHash("sha256").update(`${seed} ${provider} ${index}`).digest();
  const share = (at: number) => bytes.readUInt16BE(at) / 65_536;
  const pick = <T>(from: readonly T[], at: number): T | undefined =>
    from[Math.floor(share(at) * from.length)];
  const outcome = wishes.outcome ?? (share(0) < 0.7 ? "completed" : share(0) < 0.9 ? "no-answer" : "busy");
  return {
    id: `sim-${bytes.toString("hex", 16, 24)}-${index + 1}`,
    direction: wishes.direction ?? (share(2) < 0.7 ? "inbound" : "outbound"),
    customer: pick(wishes.customers, 4) ?? "anonymous",
    agent: pick(wishes.agents, 6) ?? "agent_001",
    line: lines[provider] ?? "+12135550100",
    ringSeconds: 2 + Math.floor(share(8) * 22),
    talkSeconds: outcome === "completed" ? 15 + Math.floor(share(10) * 600) : 0,
    outcome,
  };
}

/** A list in a random order that depends on the seed only. */
export function shuffled<T>(items: readonly T[], seed: string): T[] {
  const rank = (i: number) => createHash("sha256").update(`${seed} ${i}`).digest("hex");
  return items
    .map((item, i) => ({ item, rank: rank(i) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
    .map(({ item }) => item);
}
