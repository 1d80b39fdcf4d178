import type { RetellEmulator } from "@switchhook/emulators/retell";
import type { CallEvent } from "../../src/core/call.ts";
import type { Delivery, PollContext, SimulatedCall, Span } from "../../src/core/provider.ts";
import { retell } from "../../src/providers/retell/index.ts";
import { polling } from "../../src/providers/retell/polling.ts";
import { seeded } from "../support/random.ts";

/** Noon of the day on which all calls are made; the emulator's clock starts in the evening. */
export const noon = Date.parse("2026-11-18T12:00:00.000Z");
export const evening = noon + 6 * 3_600_000;
export const wholeDay: Span = { since: "2026-11-18T00:00:00.000Z", until: "2026-11-19T00:00:00.000Z" };

/** Calls of all kinds, several of which begin in the same second. */
export function madeUpCalls(count: number, seed: number): SimulatedCall[] {
  const random = seeded(seed);
  return Array.from({ length: count }, (_, i) => {
    const outcome = random.pick(["completed", "completed", "no-answer", "busy"] as const);
    return {
      id: `call_${seed}_${String(i).padStart(4, "0")}`,
      direction: random.pick(["inbound", "outbound"] as const),
      customer: `+3161234${String(random.below(10_000)).padStart(4, "0")}`,
      line: "+31201234567",
      agent: random.pick(["agent_asha", "agent_ravi"]),
      startedAt: new Date(noon + Math.floor(i / 3) * 1000 + random.below(2) * 500).toISOString(),
      ringSeconds: 1 + random.below(30),
      talkSeconds: outcome === "completed" ? 1 + random.below(600) : 0,
      outcome,
    };
  });
}

export function settingsOf({ settings }: RetellEmulator) {
  return retell.settings.parse(settings);
}

export function contextAt(now: () => number, signal?: AbortSignal): PollContext {
  return { installation: "acme", now, signal };
}

export async function pagesOf(
  emulator: RetellEmulator,
  span: Span = wholeDay,
  context: PollContext = contextAt(() => evening),
): Promise<Delivery[][]> {
  const pages: Delivery[][] = [];
  for await (const page of polling.calls(settingsOf(emulator), span, context)) pages.push(page);
  return pages;
}

export async function eventsOf(
  emulator: RetellEmulator,
  span?: Span,
  context?: PollContext,
): Promise<CallEvent[]> {
  return (await pagesOf(emulator, span, context)).flat().flatMap((delivery) => retell.decode(delivery));
}

export function requestsOf(emulator: RetellEmulator, kind: string): number {
  return emulator.requests.filter((request) => request.kind === kind).length;
}
