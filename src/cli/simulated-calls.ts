import { createHash } from "node:crypto";
import { messageOf } from "../core/errors.ts";
import type { Provider, SimulatedCall, SimulatedRequest } from "../core/provider.ts";
import type { AgentEntry } from "../core/settings.ts";
import { commandLine, Failure } from "./output.ts";

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

/** The target of simulated calls. `url`: of the server. `signedUrl`: the webhook URL as the server knows it, which Bird signs. */
export type Target = {
  url: string;
  signedUrl: string;
  installation: string;
  provider: Provider;
  settings: unknown;
};

/** The result so far. `refusals`: how often each answer other than 2xx came. */
export type Tally = {
  sent: number;
  accepted: number;
  refused: number;
  refusals: Record<string, number>;
  answers: { call: string; answer: unknown }[];
};

const timeoutMs = 30_000;

export function emptyTally(): Tally {
  return { sent: 0, accepted: 0, refused: 0, refusals: {}, answers: [] };
}

/** Sends one request as the provider would, signed now. Throws `Failure` when the very first one gets no answer. */
export async function sendTo(
  target: Target,
  request: SimulatedRequest,
  call: string,
  tally: Tally,
): Promise<void> {
  const { provider, installation, settings, url, signedUrl } = target;
  const path = `/webhooks/${installation}/${provider.id}`;
  const proof = { now: Date.now(), url: `${signedUrl}${path}` };
  const { method, query, headers, body } = provider.simulate.sign(request, settings, proof);
  tally.sent += 1;
  try {
    const response = await fetch(`${url}${path}${query ? `?${query}` : ""}`, {
      method,
      headers,
      signal: AbortSignal.timeout(timeoutMs),
      ...(method === "POST" && { body: Uint8Array.from(body) }),
    });
    const text = await response.text();
    if (!response.ok) return refuse(tally, `${response.status} ${text.slice(0, 200)}`);
    tally.accepted += 1;
    const answer = answerIn(text);
    if (answer !== undefined) tally.answers.push({ call, answer });
  } catch (error) {
    const why = messageOf(error instanceof Error && error.cause !== undefined ? error.cause : error);
    if (tally.accepted + tally.refused === 0) throw nobodyThere(url, why, error);
    refuse(tally, `no answer: ${why}`);
  }
}

function refuse(tally: Tally, why: string): void {
  tally.refused += 1;
  const known = Object.hasOwn(tally.refusals, why) || Object.keys(tally.refusals).length < 20;
  const name = known ? why : "other reasons";
  tally.refusals[name] = (tally.refusals[name] ?? 0) + 1;
}

/** The answer to a question about a live call; `{"ok":true}` is only a receipt. */
function answerIn(text: string): unknown {
  if (text === '{"ok":true}') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function nobodyThere(url: string, why: string, cause: unknown): Failure {
  const start = commandLine("serve");
  return new Failure(
    `No server answers at ${url} (${why}). Start it there (${start}), or give its address with --url.`,
    { cause },
  );
}
