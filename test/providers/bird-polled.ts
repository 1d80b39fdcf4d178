import { type BirdEmulator, type BirdOptions, startBird } from "@switchhook/emulators/bird";
import { simulatedCall } from "@switchhook/emulators/test/simulated-call";
import { onTestFinished } from "vitest";
import type { CallEvent, FoldedCall } from "../../src/core/call.ts";
import { fold } from "../../src/core/fold.ts";
import type { Delivery, PollContext, SimulatedCall, Span } from "../../src/core/provider.ts";
import { bird } from "../../src/providers/bird/index.ts";
import { polling } from "../../src/providers/bird/polling.ts";
import type { BirdSettings } from "../../src/providers/bird/settings.ts";

/** A day after the calls of these tests. */
export const today = Date.parse("2026-01-03T12:00:00.000Z");
export const wholeDay: Span = { since: "2026-01-02T00:00:00.000Z", until: "2026-01-03T00:00:00.000Z" };

/** An emulator for one test; its limit is off unless the test is about it. */
export async function birdOf(options: BirdOptions = {}) {
  const emulator = await startBird({ now: () => today, requestsPerSecond: false, ...options });
  onTestFinished(() => emulator.stop());
  return { emulator, settings: bird.settings.parse(emulator.settings) };
}

export function callOf(id: string, given: Partial<SimulatedCall> = {}): SimulatedCall {
  return { ...simulatedCall, id, ...given };
}

export const contextAt = (now = today, signal?: AbortSignal): PollContext => ({
  installation: "acme",
  now: () => now,
  signal,
});

export async function pagesOf(
  settings: BirdSettings,
  span: Span = wholeDay,
  context = contextAt(),
): Promise<Delivery[][]> {
  const pages: Delivery[][] = [];
  for await (const page of polling.calls(settings, span, context)) pages.push(page);
  return pages;
}

/** The events of deliveries, read as the flow reads them. */
export function eventsOf(deliveries: readonly Delivery[]): CallEvent[] {
  return deliveries.flatMap((delivery) => {
    bird.read(delivery);
    return bird.decode(delivery).map((event) => ({ ...event, fills: true as const }));
  });
}

/** All that a span's calls are, by their ids. */
export async function foldedCalls(settings: BirdSettings, span?: Span): Promise<Map<string, FoldedCall>> {
  const events = eventsOf((await pagesOf(settings, span)).flat());
  const byCall = Map.groupBy(events, ({ callId }) => callId);
  return new Map([...byCall].map(([id, said]) => [id, fold(said)]));
}

/** Lets the next request for `path` be answered with this body. */
export function answerWith({ faults }: BirdEmulator, match: string, body: unknown): void {
  faults.add({ type: "status", status: 200, body, match, times: 1 });
}
