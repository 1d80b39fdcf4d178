import type { SimulatedCall } from "../../src/core/provider.ts";
import { retell } from "../../src/providers/retell/index.ts";
import { type PlacedOptions, usualRecordingDelay } from "../provider.ts";

/** A call as the API knows it at some time. Times are ms since 1970. */
export type RetellCall = Record<string, unknown> & {
  call_id: string;
  start_timestamp?: number;
  end_timestamp?: number;
};

/** `linkOf`: a fresh link to a recording. */
export type BookOptions = { now: () => number; linkOf: (callId: string) => string; signed: () => boolean };

/** Seconds after its end at which a call is analysed. */
const analysisDelay = 30;

export type Book = ReturnType<typeof createBook>;

/** The calls of the account. What a call says comes from the bodies of its webhooks, and appears when they would come. */
export function createBook({ now, linkOf, signed }: BookOptions) {
  const calls = new Map<string, (at: number) => RetellCall | undefined>();

  return {
    place(call: SimulatedCall, { recordingAfterSeconds = usualRecordingDelay }: PlacedOptions = {}): void {
      const stages = stagesOf(call);
      calls.set(call.id, (at) => {
        const stage = stages.findLast((stage) => stage.from <= at);
        if (!stage) return undefined;
        const { recording_url, ...told } = stage.call;
        const made =
          recording_url !== undefined &&
          recordingAfterSeconds !== null &&
          at >= (told.end_timestamp ?? at) + recordingAfterSeconds * 1000;
        return {
          ...{ agent_version: 1, data_storage_setting: "everything", ...told, opt_in_signed_url: signed() },
          ...(made && { recording_url: linkOf(call.id) }),
        };
      });
    },
    get: (callId: string): RetellCall | undefined => calls.get(callId)?.(now()),
    all: (): RetellCall[] => [...calls.values()].flatMap((stateAt) => stateAt(now()) ?? []),
    size: (): number => calls.size,
  };
}

type Stage = { from: number; call: RetellCall };

function stagesOf(call: SimulatedCall): Stage[] {
  const startMs = Date.parse(call.startedAt);
  const told = retell.simulate.script(call).flatMap(({ body, afterSeconds }) => {
    const { event, call: about } = JSON.parse(Buffer.from(body).toString()) as Told;
    return about ? [{ event, from: startMs + afterSeconds * 1000, call: about }] : [];
  });
  const ended = told.find(({ event }) => event === "call_ended")?.from ?? startMs;
  const analysed = told.map((stage) =>
    stage.event === "call_analyzed" ? { ...stage, from: ended + analysisDelay * 1000 } : stage,
  );
  return [{ from: startMs, call: registeredOf(told[0]?.call, call.id) }, ...analysed];
}

type Told = { event: string; call?: RetellCall };

/** Before anybody is connected there are no times. */
function registeredOf(first: RetellCall | undefined, call_id: string): RetellCall {
  const { start_timestamp, end_timestamp, duration_ms, disconnection_reason, ...rest } = first ?? { call_id };
  return { ...rest, call_id, call_status: "registered" };
}
