import { randomUUID } from "node:crypto";
import { messageOf } from "../../core/errors.ts";
import { fold } from "../../core/fold.ts";
import type { Delivery, SimulatedCall, SimulatedRequest } from "../../core/provider.ts";
import type { ConfiguredProvider } from "../../core/runtime.ts";
import { hmacSha256, sameSecret } from "../../lib/secrets.ts";
import type { Flow } from "../installation.ts";

/** Marks a webhook that we send to ourselves: it is verified and decoded, and neither stored nor logged. */
export const testHeader = "switchhook-test";

/** A test that is older than this is refused as any other webhook would be. */
const goodForMs = 60_000;
const answerWithinMs = 10_000;

export type TestWebhooks = ReturnType<typeof createTestWebhooks>;

/** What the door understood of a test. */
export type UnderstoodTest = {
  kind: string;
  events: number;
  phase?: string;
  direction?: string;
  outcome?: string;
};

/** The outcome of a test: what the door understood, or why it did not get there or was refused. */
export type TestResult = { url: string; status?: number; understood?: UnderstoodTest; problem?: string };

/** Webhooks that are sent to our own public address, to see whether they arrive and are understood. */
export function createTestWebhooks({ store, now }: Pick<Flow, "store" | "now">) {
  const proofAt = async (at: number, path: string): Promise<string> =>
    `${at}.${hmacSha256(await store.secret("test webhooks"), `${at} ${path}`).toString("hex")}`;
  return {
    /** Whether a request with this header is one of ours. `path`: without the query. */
    async isTest(given: string, path: string): Promise<boolean> {
      const at = Number(given.split(".", 1)[0]);
      if (!(Math.abs(now() - at) < goodForMs)) return false;
      return sameSecret(given, await proofAt(at, path));
    },

    /** Sends a whole missed call, signed as the provider signs. */
    async send(configured: ConfiguredProvider, address: TestAddress): Promise<TestResult> {
      const { url } = address;
      const path = `/webhooks/${address.installation}/${configured.provider.id}`;
      const { method, query, headers, body } = signedTest(configured, address, now());
      const target = query === "" ? url : `${url}?${query}`;
      let response: Response;
      try {
        response = await fetch(target, {
          method,
          headers: { ...headers, [testHeader]: await proofAt(now(), path) },
          redirect: "manual",
          signal: AbortSignal.timeout(answerWithinMs),
          ...(body.length > 0 && { body: Buffer.from(body) }),
        });
      } catch (error) {
        const cause = error instanceof Error && error.cause ? error.cause : error;
        return { url, problem: messageOf(cause) };
      }
      const answer = (await response.json().catch(() => ({}))) as { test?: UnderstoodTest; error?: string };
      const { status } = response;
      if (answer.test) return { url, status, understood: answer.test };
      return { url, status, problem: answer.error ?? `it answered ${status}, and not as Switchhook does` };
    },
  };
}

/** Where the webhooks of a provider go. */
export type TestAddress = { url: string; installation: string; customer: string; line: string };

function signedTest(
  { provider, settings }: ConfiguredProvider,
  { url, customer, line }: TestAddress,
  now: number,
): SimulatedRequest {
  const call: SimulatedCall = {
    id: `switchhook-test-${randomUUID()}`,
    direction: "inbound",
    customer,
    line,
    agent: "switchhook-test",
    startedAt: new Date(now - 20_000).toISOString(),
    ringSeconds: 15,
    talkSeconds: 0,
    outcome: "no-answer",
  };
  const script = provider.simulate.script(call);
  const last = script.findLast(({ method }) => method === provider.methods[0]) ?? script.at(-1);
  if (!last) throw new Error(`${provider.label} simulates no webhooks`);
  return provider.simulate.sign(last, settings, { now, url });
}

/** What a verified test says. Throws `Rejected` as reading any other webhook does. */
export function understand({ provider }: ConfiguredProvider, delivery: Delivery): UnderstoodTest {
  const { kind } = provider.read(delivery);
  const events = provider.decode(delivery);
  if (events.length === 0) return { kind, events: 0 };
  const { phase, direction, outcome } = fold(events);
  return { kind, events: events.length, phase, ...(direction && { direction }), ...(outcome && { outcome }) };
}
