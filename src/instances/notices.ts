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

/** Of a limit whose use the CRM does not report, the holder leaves the rest to the first callers that others search for. */
const partBeforeOthersAnswer = 0.8;

/**
 * `isHeld`: this instance works for the installation. `isTold`: the CRM's answers report what all instances have used of the
 * limit.
 */
export type AccountUse = { installation: string; isHeld: boolean; isTold: boolean };

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

  const answers = (installation: string): void => {
    if (isWithin(answersToldAt.get(installation), tellAnswersMs)) return;
    answersToldAt.set(installation, performance.now());
    void shared.notify({ kind: "answers", from: id, installation }).catch(failed);
  };

  return {
    /** There may be work for a lane of an installation. Cheap; may be called for every delivery. */
    want(installation: string, lane: string): void {
      hints.set(`${installation}/${lane}`, { installation, lane });
      if (isStarted) hintTimer ??= setTimeout(() => void sendHints().catch(failed), hintMs);
    },

    heardAnswers({ from, installation }: { from: string; installation: string }): void {
      if (from !== id) othersAnsweredAt.set(installation, performance.now());
    },

    /**
     * The part of an account's limits that this instance may use. Instances that do not hold it only answer callers, each
     * with an equal part, which the holder leaves to them while they do. Cheap; may be called for every request.
     */
    share({ installation, isHeld, isTold }: AccountUse, instances: number): number {
      const part = 1 / instances;
      if (!isHeld) {
        answers(installation);
        return part;
      }
      if (isTold || part === 1) return 1;
      return isWithin(othersAnsweredAt.get(installation), othersAnswerMs) ? part : partBeforeOthersAnswer;
    },

    /** Sends what was wanted before. */
    start(): Promise<void> {
      isStarted = true;
      return sendHints();
    },

    stop: (): void => clearTimeout(hintTimer),
  };
}
