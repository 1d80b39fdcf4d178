import { setImmediate } from "node:timers/promises";
import type { Archive } from "../core/archive.ts";
import { CrmError } from "../core/errors.ts";
import { maskAll } from "../core/mask.ts";
import type { Provider } from "../core/provider.ts";
import { closeFollowUps } from "../flow/calls/close-follow-ups.ts";
import { decodeNew, settleLine } from "../flow/calls/decode.ts";
import { deliverDue } from "../flow/calls/deliver.ts";
import { renumber } from "../flow/contacts/renumber.ts";
import { syncContacts } from "../flow/contacts/sync.ts";
import type { Flow, Installation } from "../flow/installation.ts";
import { followRecordings } from "../flow/recordings/follow.ts";
import type { Lanes } from "../lanes/contract.ts";
import { reconcileLane } from "./reconcile-lane.ts";

/** Deliveries in one transaction: few enough that an inbound call never waits for it. */
const deliveriesAtOnce = 32;
/** Another process, such as a command, may have stored something without waking us. */
const lookAgainMs = 1_000;
const syncEveryMs = 5 * 60_000;
const syncAgainMs = 30_000;
/** When the CRM asks for a shorter pause than this, the lane makes growing pauses of its own. */
const shortestPauseMs = 1_000;

/** What the lanes of one installation work with. */
type LaneWork = {
  flow: Flow;
  installation: Installation;
  providers: Readonly<Record<string, Provider>>;
  archive: Archive | undefined;
};

/**
 * The background work of one installation. Each lane has one worker at a time; decoding has a lane of its own, so that it
 * never waits for a CRM. Returns how to wake the first lane after a delivery was stored, and how to end them all.
 */
export function addLanes(
  lanes: Lanes,
  { flow, installation, providers, archive }: LaneWork,
): { received: () => void; stop: () => Promise<void> } {
  const { settings, connector } = installation;
  const names = {
    decode: `${settings.name}/decode`,
    deliver: `${settings.name}/deliver`,
    sync: `${settings.name}/sync`,
    reconcile: `${settings.name}/reconcile`,
    recordings: `${settings.name}/recordings`,
  };

  lanes.add(names.decode, async (signal) => {
    let decoded = 0;
    for (let taken = 1; taken > 0 && !signal.aborted; decoded += taken) {
      taken = await decodeNew(flow, installation, providers, deliveriesAtOnce);
      await setImmediate();
    }
    while (!signal.aborted && (await settleLine(flow, installation))) {
      decoded += 1;
      await setImmediate();
    }
    if (decoded > 0) lanes.wake(names.deliver);
    return flow.now() + lookAgainMs;
  });

  // The pause that a CRM asks for also holds for calls that come in meanwhile.
  let [pausedFrom, pausedUntil] = [0, 0];
  lanes.add(names.deliver, async (signal) => {
    // If the clock was set back since, the pause is over.
    if (flow.now() < pausedUntil && flow.now() >= pausedFrom) return pausedUntil;
    try {
      while (!signal.aborted && (await deliverDue(flow, installation, signal)) > 0) await setImmediate();
      while (!signal.aborted && (await closeFollowUps(flow, installation, signal)) > 0) await setImmediate();
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
    return Math.min(await nextDue(flow, settings.name), flow.now() + lookAgainMs);
  });

  let prepared = false;
  lanes.add(names.sync, async (signal) => {
    const started = flow.now();
    try {
      if ((await renumber(flow, installation, signal)) > 0) lanes.wake(names.deliver);
      if (!prepared) await connector.prepare?.();
      prepared = true;
      const { contacts, removed, matched } = await syncContacts(flow, installation, signal);
      if (contacts + removed > 0)
        flow.log.info(
          { installation: settings.name, contacts, removed, matched, ms: flow.now() - started },
          "contacts synced",
        );
      if (matched > 0) lanes.wake(names.deliver);
      return flow.now() + syncEveryMs;
    } catch (error) {
      flow.log.warn(
        { installation: settings.name, err: error },
        "contacts could not be synced; it will be retried",
      );
      return flow.now() + syncAgainMs;
    }
  });

  lanes.add(
    names.reconcile,
    reconcileLane(flow, installation, () => lanes.wake(names.decode)),
  );

  lanes.add(names.recordings, async (signal) => {
    while (!signal.aborted && (await followRecordings({ flow, installation, archive }, signal)) > 0)
      await setImmediate();
    return flow.now() + lookAgainMs;
  });

  const stopWatching = connector.watch?.(() => lanes.wake(names.sync)) ?? (() => {});
  return {
    received: () => lanes.wake(names.decode),
    async stop() {
      stopWatching();
      await Promise.all(Object.values(names).map((name) => lanes.remove(name)));
    },
  };
}

async function nextDue({ store }: Flow, installation: string): Promise<number> {
  return (await store.nextDue(installation)) ?? Number.POSITIVE_INFINITY;
}
