import type { LaneName, SharedStore } from "../store/contract.ts";
import type { WorkQueue } from "./queue.ts";

type NoticesOptions = {
  /** Of this instance. */
  id: string;
  shared: SharedStore;
  installations: WorkQueue;
  failed: (error: unknown) => void;
};

/** What comes in meanwhile is one hint, which wakes all instances. */
const hintMs = 100;
/** Work that was offered still waits, or is held at least this long. */
const offerAgainMs = 2_500;
/** For this long after another instance searched an account for a caller, a part of its limits is left to the others. */
const othersAnswerMs = 60_000;
/** How often an instance tells that it does. */
const tellAnswersMs = 10_000;

const isWithin = (at: number | undefined, ms: number): boolean =>
  at !== undefined && performance.now() - at < ms;

/** What an instance tells the others about work, and what they told it. */
export function createNotices({ id, shared, installations, failed }: NoticesOptions) {
  const hints = new Map<string, LaneName>();
  const offeredAt = new Map<string, number>();
  let hintTimer: NodeJS.Timeout | undefined;
  let isStarted = false;
  /** By installation. */
  const answersToldAt = new Map<string, number>();
  const othersAnsweredAt = new Map<string, number>();

  const sendHints = async (): Promise<void> => {
    hintTimer = undefined;
    const lanes = [...hints.values()];
    hints.clear();
    if (lanes.length === 0) return;
    const at = performance.now();
    for (const [name, before] of offeredAt) if (at - before > offerAgainMs) offeredAt.delete(name);
    const names = new Set(lanes.map(({ installation }) => installation));
    const unoffered = [...names].filter((name) => !offeredAt.has(name)).sort();
    const offered = await installations.offer(unoffered);
    for (const name of unoffered) offeredAt.set(name, at);
    await shared.notify({ kind: "wake", lanes });
    if (offered > 0) await shared.notify({ kind: "free" });
  };

  return {
    /** There may be work for a lane of an installation. Cheap; may be called for every delivery. */
    want(installation: string, lane: string): void {
      hints.set(`${installation}/${lane}`, { installation, lane });
      if (isStarted) hintTimer ??= setTimeout(() => void sendHints().catch(failed), hintMs);
    },

    /** This instance searches an account that another one works for. Cheap; may be called for every request. */
    answers(installation: string): void {
      if (isWithin(answersToldAt.get(installation), tellAnswersMs)) return;
      answersToldAt.set(installation, performance.now());
      void shared.notify({ kind: "answers", from: id, installation }).catch(failed);
    },

    heardAnswers({ from, installation }: { from: string; installation: string }): void {
      if (from !== id) othersAnsweredAt.set(installation, performance.now());
    },

    /** Whether other instances have searched an account for callers lately. */
    othersAnswer: (installation: string): boolean =>
      isWithin(othersAnsweredAt.get(installation), othersAnswerMs),

    /** Sends what was wanted before. */
    start(): Promise<void> {
      isStarted = true;
      return sendHints();
    },

    stop: (): void => clearTimeout(hintTimer),
  };
}
