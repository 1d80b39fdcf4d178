import type { SimulatedCall } from "../../src/core/provider.ts";
import { type PlacedOptions, usualRecordingDelay } from "../provider.ts";

/** A row of the list of calls. */
export type Listed = { sid: string; createdAt: number; row: unknown };

/** One call and the clock: when it began, was taken, was over, and when its recording is made. */
export type PlacedCall = {
  call: SimulatedCall;
  startedAt: number;
  answeredAt: number | undefined;
  endedAt: number;
  recordedAt: number | undefined;
};

export type Calls = {
  place(call: SimulatedCall, options?: PlacedOptions): void;
  /** Anything at all among the calls, for what the API should not say but might. */
  placeRow(createdAt: string, row: unknown): void;
  find(sid: string): PlacedCall | undefined;
  /**
   * The rows that `answer` gives for the calls, and the others, in order of creation; those of one second in order of
   * their ids.
   */
  listed(answer: (call: PlacedCall) => object | undefined): Listed[];
};

export function createCalls(): Calls {
  const placed = new Map<string, PlacedCall>();
  const strange: Listed[] = [];
  return {
    place(call, { recordingAfterSeconds = usualRecordingDelay } = {}) {
      const startedAt = Math.floor(Date.parse(call.startedAt) / 1000) * 1000;
      const taken = call.outcome === "completed";
      const rung = startedAt + call.ringSeconds * 1000;
      const endedAt = taken ? rung + call.talkSeconds * 1000 : rung;
      placed.set(call.id, {
        call,
        startedAt,
        endedAt,
        answeredAt: taken ? rung : undefined,
        recordedAt:
          taken && recordingAfterSeconds !== null ? endedAt + recordingAfterSeconds * 1000 : undefined,
      });
    },
    placeRow(createdAt, row) {
      const sid = `row-${String(strange.length).padStart(6, "0")}`;
      strange.push({ sid, createdAt: Date.parse(createdAt), row });
    },
    find: (sid) => placed.get(sid),
    listed(answer) {
      const calls = [...placed.values()].flatMap((one): Listed[] => {
        const row = answer(one);
        return row ? [{ sid: one.call.id, createdAt: one.startedAt, row }] : [];
      });
      return [...calls, ...strange].sort((a, b) => a.createdAt - b.createdAt || (a.sid < b.sid ? -1 : 1));
    },
  };
}
