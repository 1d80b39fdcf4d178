import { setImmediate } from "node:timers/promises";
import { CrmError, isOvertaken, StoreError } from "../core/errors.ts";
import { maskAll } from "../core/mask.ts";
import type { Provider } from "../core/provider.ts";
import type { Archive } from "../core/recording.ts";
import { closeFollowUps } from "../flow/calls/close-follow-ups.ts";
import { decodeNew, settleLine } from "../flow/calls/decode.ts";
import { claimSize, deliverDue } from "../flow/calls/deliver.ts";
import { numberingFor, renumber } from "../flow/contacts/renumber.ts";
import { syncContacts } from "../flow/contacts/sync.ts";
import type { Flow, Installation } from "../flow/installation.ts";
import { followRecordings } from "../flow/recordings/follow.ts";
import type { Job, Lanes } from "../lanes/contract.ts";
import { inProcessLanes } from "../lanes/in-process.ts";
import type { Connected } from "./connect.ts";
import { contactsLane, contactsRestMs } from "./contacts-lane.ts";
import { reconcileLane } from "./reconcile-lane.ts";

/** Deliveries in one transaction: few enough that an inbound call never waits for it. */
const deliveriesAtOnce = 64;
/** Webhooks that arrive meanwhile are decoded in one transaction. */
const decodeRestMs = 20;
/** Calls that fall due meanwhile go to the CRM in one batch. */
const deliverRestMs = 100;
/** Of an installation with calls. */
export const syncEveryMs = 5 * 60_000;
/** Of an installation without calls: often enough that no refresh token expires unused. */
export const syncAtRestMs = 6 * 3_600_000;
const syncAgainMs = 30_000;
/** When the CRM asks for a shorter pause than this, the lane makes growing pauses of its own. */
const shortestPauseMs = 1_000;

/** The lanes of all installations that this process works for. */
export function createLanes({ now, log, limitedLog }: Pick<Flow, "now" | "log" | "limitedLog">): Lanes {
  return inProcessLanes({
    now,
    onError(lane, error, againInMs) {
      if (isOvertaken(error)) log.info({ lane }, "another instance does this work now");
      else if (error instanceof StoreError && error.fault === "broken")
        limitedLog.seldom(
          "error",
          { err: error, cure: error.cure },
          "background work waits for the store; it is retried after a pause",
        );
      else log.error({ lane, err: error, againInMs }, "background work failed; it is retried after a pause");
    },
  });
}

/** What the lanes of one installation work with. */
type LaneWork = {
  flow: Flow;
  installation: Installation;
  providers: Readonly<Record<string, Provider>>;
  archive: Archive | undefined;
  /** Runs the work of a lane. */
  during: Connected["during"];
  /** Whether it had calls lately. */
  isActive: () => boolean;
  /** Called after each sync, whether or not it succeeded. */
  synced: () => void;
  /** Another instance may have done this work until now: a sync that is not due yet is not done again. */
  isTakeOver: boolean;
};

export type LaneKind = "decode" | "deliver" | "sync" | "contacts" | "reconcile" | "recordings";

/** The lanes of one installation. */
export type InstallationLanes = {
  wake(lane: LaneKind): void;
  stop(options?: { abort?: boolean }): Promise<void>;
};

/**
 * The background work of one installation. Each lane has one worker at a time; decoding has a lane of its own, so that it
 * never waits for a CRM. All run at once, and then when they are woken or at a time that they know.
 */
export function addLanes(lanes: Lanes, work: LaneWork): InstallationLanes {
  const { flow, installation, providers, archive, during, isActive, synced, isTakeOver } = work;
  const { settings } = installation;
  const nameOf = (lane: LaneKind): string => `${settings.name}/${lane}`;
  const wake = (lane: LaneKind): void => lanes.wake(nameOf(lane));
  const added: LaneKind[] = [];
  const add = (lane: LaneKind, job: Job, restMs = 0): void => {
    added.push(lane);
    lanes.add(nameOf(lane), (signal) => during(() => job(signal)), { restMs });
  };

  /** Own lines were learned, or may have been before this lane was added. */
  let hasLines = true;
  const decode: Job = async (signal) => {
    let [decoded, hasRecordings] = [0, false];
    for (let isFull = true; isFull && !signal.aborted; ) {
      const turn = await decodeNew(flow, installation, providers, deliveriesAtOnce);
      decoded += turn.taken;
      isFull = turn.isFull;
      hasLines ||= turn.work.includes("lines");
      hasRecordings ||= turn.work.includes("recordings");
      await setImmediate();
    }
    // Without new deliveries the sweep may have found a line of a command.
    hasLines ||= decoded === 0;
    while (hasLines && !signal.aborted) {
      hasLines = await settleLine(flow, installation);
      if (!hasLines) break;
      hasRecordings = true;
      decoded += 1;
      await setImmediate();
    }
    if (decoded > 0) wake("deliver");
    if (hasRecordings) wake("recordings");
    return undefined;
  };
  add("decode", decode, decodeRestMs);

  // The pause that a CRM asks for also holds for calls that come in meanwhile.
  let [pausedFrom, pausedUntil] = [0, 0];
  const deliver: Job = async (signal) => {
    // If the clock was set back since, the pause is over.
    if (flow.now() < pausedUntil && flow.now() >= pausedFrom) return pausedUntil;
    const isDue = (at = Number.POSITIVE_INFINITY): boolean => at <= flow.now();
    try {
      let times = await flow.store.dueTimes(settings.name);
      if (isDue(times.call)) {
        while (!signal.aborted && (await deliverDue(flow, installation, signal)) >= claimSize(installation))
          await setImmediate();
        times = await flow.store.dueTimes(settings.name);
      }
      if (isDue(times.followUp))
        while (!signal.aborted && (await closeFollowUps(flow, installation, signal)) > 0)
          await setImmediate();
      return times.call;
    } catch (error) {
      if (!(error instanceof CrmError) || error.afterMs === undefined) throw error;
      pausedFrom = flow.now();
      pausedUntil = pausedFrom + error.afterMs;
      if (error.afterMs < shortestPauseMs) throw error;
      flow.log.warn(
        { installation: settings.name, reason: maskAll(error.message), againInMs: error.afterMs },
        "the CRM asks for a pause; calls wait",
      );
      return pausedUntil;
    }
  };
  add("deliver", deliver, deliverRestMs);

  const untilNextSync = (): number => (isActive() ? syncEveryMs : syncAtRestMs);
  let isFirst = true;
  /** When the sync of an earlier holder is to be followed by the next one; undefined when that is now. */
  const nextAfterTakeOver = async (): Promise<number | undefined> => {
    const isTaken = isTakeOver && isFirst;
    isFirst = false;
    if (!isTaken || (await flow.store.numbering(settings.name)) !== numberingFor(settings.region))
      return undefined;
    const { finishedAt, cursor } = await flow.store.syncState(settings.name);
    const next = (finishedAt ?? 0) + untilNextSync();
    return cursor !== undefined && next > flow.now() ? next : undefined;
  };

  let isPrepared = false;
  let failures = 0;
  add("sync", async (signal) => {
    const started = flow.now();
    try {
      if ((await renumber(flow, installation, signal)) > 0) wake("deliver");
      if (!isPrepared) await installation.connector.prepare?.();
      isPrepared = true;
      const later = await nextAfterTakeOver();
      if (later !== undefined) return later;
      const { contacts, removed, matched } = await syncContacts(flow, installation, signal);
      if (contacts + removed > 0)
        flow.log.info(
          { installation: settings.name, contacts, removed, matched, ms: flow.now() - started },
          "contacts synced",
        );
      if (matched > 0) wake("deliver");
      failures = 0;
      return flow.now() + untilNextSync();
    } catch (error) {
      // Of a stop, or because another instance takes over: nothing went wrong.
      if (signal.aborted) throw error;
      flow.log.warn(
        { installation: settings.name, err: error },
        "contacts could not be synced; it will be retried",
      );
      failures += 1;
      const longestMs = isActive() ? syncAgainMs : syncAtRestMs;
      return flow.now() + Math.min(syncAgainMs * 2 ** (failures - 1), longestMs);
    } finally {
      synced();
    }
  });

  add("contacts", contactsLane({ flow, installation, matched: () => wake("deliver") }), contactsRestMs);

  add("reconcile", reconcileLane({ flow, installation, appended: () => wake("decode"), isTakeOver }));

  add("recordings", async (signal) => {
    for (;;) {
      const next = await flow.store.nextRecording(settings.name);
      if (signal.aborted || next === undefined || next > flow.now()) return next;
      if ((await followRecordings({ flow, installation, archive }, signal)) === 0) return next;
      await setImmediate();
    }
  });

  return {
    wake,
    async stop(options) {
      await Promise.all(added.map((lane) => lanes.remove(nameOf(lane), options)));
    },
  };
}
