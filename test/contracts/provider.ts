import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { simulatedCall } from "@switchhook/emulators/test/simulated-call";
import { describe, expect, test } from "vitest";
import type { CallEvent } from "../../src/core/call.ts";
import { canonical, fold } from "../../src/core/fold.ts";
import type { Delivery, Proof, Provider, SimulatedCall } from "../../src/core/provider.ts";

/** A request as a fixture: `test/fixtures/<provider>/<name>.json`. `bodyFile` names the exact bytes beside it. */
export type Fixture = {
  source: string;
  requests: {
    method?: string;
    url?: string;
    headers?: Record<string, string>;
    body?: unknown;
    bodyFile?: string;
  }[];
  /** What `decode` gives for all requests together. */
  events: CallEvent[];
};

const fixtures = join(import.meta.dirname, "..", "fixtures");

export function fixtureNames(provider: string): string[] {
  return readdirSync(join(fixtures, provider)).filter((name) => name.endsWith(".json"));
}

export function loadFixture(provider: string, name: string): Fixture {
  return JSON.parse(readFileSync(join(fixtures, provider, name), "utf8")) as Fixture;
}

export function deliveriesOf(provider: string, fixture: Fixture): Delivery[] {
  return fixture.requests.map(({ method = "POST", url = "/", headers = {}, body, bodyFile }) => ({
    installation: "acme",
    provider,
    receivedAt: "2026-01-02T03:04:05.000Z",
    method,
    url,
    headers: { ...(body !== undefined && { "content-type": "application/json" }), ...headers },
    body: bodyFile
      ? readFileSync(join(fixtures, provider, bodyFile))
      : Buffer.from(body === undefined ? "" : JSON.stringify(body)),
  }));
}

/** The contract that every provider keeps. Its own test adds its oddities. */
export function testProvider<S>(provider: Provider<S>, settings: S): void {
  describe(`${provider.id} keeps the provider contract`, () => {
    test.each(fixtureNames(provider.id))("decodes %s", (name) => {
      const fixture = loadFixture(provider.id, name);
      const deliveries = deliveriesOf(provider.id, fixture);
      for (const delivery of deliveries) expect(provider.read(delivery).kind).not.toBe("");
      expect(deliveries.flatMap((delivery) => provider.decode(delivery))).toEqual(fixture.events);
    });

    test.each(fixtureNames(provider.id))("folds %s to one call in every order", (name) => {
      const { events } = loadFixture(provider.id, name);
      if (events.length === 0) return;
      const expected = canonical(fold(events));
      for (const order of permutations(events)) {
        expect(canonical(fold(order))).toBe(expected);
        expect(canonical(fold([...order, ...order.slice(0, 2)]))).toBe(expected);
      }
    });

    test.each(["inbound", "outbound"] as const)(
      "simulates an %s call that proves itself and tells the truth",
      (direction) => {
        const call = { ...simulatedCall, direction };
        const events = simulate(provider, settings, call);
        const folded = fold(events);
        expect(folded).toMatchObject({ direction, phase: "ended", outcome: "completed", talkSeconds: 61 });
        expect(folded.customer?.number).toBe(call.customer);
      },
    );

    test("simulates a call that nobody answers", () => {
      const folded = fold(
        simulate(provider, settings, { ...simulatedCall, outcome: "no-answer", talkSeconds: 0 }),
      );
      expect(folded).toMatchObject({ phase: "ended", outcome: "no-answer" });
    });

    test("turns away a stranger", () => {
      const delivery = deliveriesOf(provider.id, { source: "", requests: [{ body: {} }], events: [] })[0];
      const proof: Proof = { now: Date.now(), publicUrl: "https://hooks.example.com/webhooks/acme/x" };
      expect(() => provider.verify(delivery as Delivery, settings, proof)).toThrow(
        expect.objectContaining({ status: 401 }),
      );
    });

    test.each(["", "nonsense", "[]", "null", "[[[[", '{"a":'])("refuses the body %j with 400", (text) => {
      const delivery: Delivery = {
        installation: "acme",
        provider: provider.id,
        receivedAt: "2026-01-02T03:04:05.000Z",
        method: "POST",
        url: "/",
        headers: { "content-type": "application/json" },
        body: Buffer.from(text),
      };
      expect(() => provider.read(delivery)).toThrow(expect.objectContaining({ status: 400 }));
    });
  });
}

/** Runs a made-up call through sign, verify, read and decode. */
export function simulate<S>(provider: Provider<S>, settings: S, call: SimulatedCall): CallEvent[] {
  const url = `https://hooks.example.com/webhooks/acme/${provider.id}`;
  return provider.simulate.script(call).flatMap((request) => {
    const now = Date.parse(call.startedAt) + request.afterSeconds * 1000;
    const signed = provider.simulate.sign(request, settings, { now, url });
    const query = new URLSearchParams(signed.query);
    const secretInUrl = query.get("key") ?? undefined;
    query.delete("key");
    const delivery: Delivery = {
      installation: "acme",
      provider: provider.id,
      receivedAt: new Date(now).toISOString(),
      method: signed.method,
      url: query.size > 0 ? `/?${query}` : "/",
      headers: signed.headers,
      body: signed.body,
    };
    const publicUrl = signed.query ? `${url}?${signed.query}` : url;
    const proof = { now, publicUrl, ...(secretInUrl !== undefined && { secretInUrl }) };
    provider.verify(delivery, settings, proof)?.(delivery.body);
    provider.read(delivery);
    return provider.decode(delivery);
  });
}

/** All orders of up to six events; for longer lists the rotations and the reverse. */
function permutations<T>(items: readonly T[]): T[][] {
  if (items.length > 6) {
    const rotations = items.map((_, i) => [...items.slice(i), ...items.slice(0, i)]);
    return [...rotations, [...items].reverse()];
  }
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, i) =>
    permutations([...items.slice(0, i), ...items.slice(i + 1)]).map((rest) => [item, ...rest]),
  );
}
