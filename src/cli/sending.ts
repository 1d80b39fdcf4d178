import { messageOf } from "../core/errors.ts";
import type { Provider, SimulatedRequest } from "../core/provider.ts";
import { commandLine, Failure } from "./output.ts";

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
