import { text } from "node:stream/consumers";
import { type ExotelEmulator, type ExotelOptions, startExotel } from "@switchhook/emulators/exotel";
import { simulatedCall } from "@switchhook/emulators/test/simulated-call";
import type { CallEvent, FoldedCall } from "../../src/core/call.ts";
import { fold } from "../../src/core/fold.ts";
import type { Delivery, Polling, SimulatedCall, Span } from "../../src/core/provider.ts";
import { exotel } from "../../src/providers/exotel/index.ts";
import type { ExotelSettings } from "../../src/providers/exotel/settings.ts";

export const start = "2026-03-01T00:00:00.000Z";
const polling = exotel.polling as Polling<ExotelSettings>;

/** Exotel's API with a clock that stands until it is moved; at first a day after `start`. */
export async function openExotel(options: ExotelOptions = {}) {
  let time = Date.parse(start) + 86_400_000;
  const now = () => time;
  const emulator = await startExotel({ now, ...options });
  const settings = exotel.settings.parse(emulator.settings);
  const context = (signal?: AbortSignal) => ({ installation: "acme", now, signal });
  const day: Span = { since: start, until: new Date(time).toISOString() };

  return {
    emulator,
    settings,
    now,
    day,
    moveTo: (iso: string) => {
      time = Date.parse(iso);
    },
    pages: (span: Span = day, signal?: AbortSignal, other: Partial<ExotelSettings> = {}) =>
      polling.calls({ ...settings, ...other }, span, context(signal)),
    /** All deliveries of a span. */
    async asked(span: Span = day): Promise<Delivery[]> {
      const deliveries: Delivery[] = [];
      for await (const page of polling.calls(settings, span, context())) deliveries.push(...page);
      return deliveries;
    },
    askedAgain: (
      calls: readonly FoldedCall[],
      signal?: AbortSignal,
      other: Partial<ExotelSettings> = {},
    ): Promise<Delivery[]> => polling.callsAgain({ ...settings, ...other }, calls, context(signal)),
    /** What a player hears behind a link. */
    async listen(ref: string, headers: Record<string, string> = {}, other: Partial<ExotelSettings> = {}) {
      const request = { headers, signal: AbortSignal.timeout(5_000) };
      const reply = await exotel.recording?.(ref, { ...settings, ...other }, request);
      if (!reply) throw new Error("Exotel has no recordings");
      reply.body.setEncoding("latin1");
      return {
        status: reply.status,
        headers: reply.headers,
        bytes: Buffer.from(await text(reply.body), "latin1"),
      };
    },
    stop: () => emulator.stop(),
  };
}

export type Asked = Awaited<ReturnType<typeof openExotel>>;

/** A call that starts so many seconds after `start`. */
export function callAt(seconds: number, given: Partial<SimulatedCall> = {}): SimulatedCall {
  const startedAt = new Date(Date.parse(start) + seconds * 1000).toISOString();
  return { ...simulatedCall, id: `call-${seconds}`, startedAt, ...given };
}

export function placeAll(emulator: ExotelEmulator, calls: readonly SimulatedCall[]): void {
  for (const call of calls) emulator.place(call);
}

/** Ids of the calls that deliveries are about, in their order. */
export function idsOf(deliveries: readonly Delivery[]): string[] {
  return deliveries.flatMap((delivery) => [...new Set(eventsOf(delivery).map(({ callId }) => callId))]);
}

/** As the flow reads an answer: it only fills what nobody told by himself. */
export function eventsOf(delivery: Delivery): CallEvent[] {
  exotel.read(delivery);
  return exotel.decode(delivery).map((event) => ({ ...event, fills: true as const }));
}

/** The one call that deliveries tell. */
export function callOf(deliveries: readonly Delivery[]): FoldedCall {
  return fold(deliveries.flatMap(eventsOf));
}

/** A call that we know of, with no more than its start. */
export function knownCall(callId: string, startedAt?: string): FoldedCall {
  return {
    callId,
    legs: [callId],
    phase: "ended",
    agents: [],
    ...(startedAt !== undefined && { startedAt }),
  };
}
