import { stat } from "node:fs/promises";
import type { InstallationConfig } from "../config/index.ts";
import { whySkipped } from "../flow/calls/due.ts";
import { silentMs } from "../flow/calls/unknown-end.ts";
import { numberingFor } from "../flow/contacts/renumber.ts";
import type { Flow, Installation } from "../flow/installation.ts";
import type { WorkKind } from "../store/contract.ts";
import { type LaneKind, syncAtRestMs, syncEveryMs } from "./lanes.ts";
import { pollEveryMs } from "./reconcile-lane.ts";

/** An installation without lanes. */
export type Resting = {
  installation: Installation;
  /** Of the config file: its settings may have changed since the last start. */
  isOfFile: boolean;
  /** Notes when its newest call changed. */
  called(at: number): void;
  isActive(): boolean;
  /** Adds its lanes; resolves after the first sync. */
  sync(): Promise<void>;
};

type SweepContext = {
  flow: Flow;
  installations: ReadonlyMap<string, Installation>;
  resting: () => Resting[];
  isOpen: (installation: string) => boolean;
  wake: (installation: string, lane: LaneKind) => void;
  /** How many there are, which do what is found; absent when this process is the only one. */
  instances?: (() => number) | undefined;
};

/** Another process, such as a command, stores its work without waking us. */
const sweepMs = 1_000;
const often: readonly WorkKind[] = ["deliveries", "lines", "calls", "follow-ups", "polls", "contacts"];
/** Most rows of recordings are copies that wait for their end, months away. */
const seldom: readonly WorkKind[] = ["recordings"];
const seldomMs = 10_000;
/** How often the files of local CRMs are looked at while they are not open. */
const filesEveryMs = 30_000;
/** Where other instances sync as well. */
const planEveryMs = 30_000;
/**
 * First syncs at a time, so that a start does not overwhelm the CRMs or this process; with other instances for each of them
 * in a second, so that calls do not wait until all installations have been taken to be synced.
 */
const syncsAtOnce = 8;

const laneOf: Readonly<Record<WorkKind, LaneKind>> = {
  deliveries: "decode",
  lines: "decode",
  calls: "deliver",
  "follow-ups": "deliver",
  polls: "reconcile",
  recordings: "recordings",
  contacts: "contacts",
};

/** Watches all installations at once: work that another process stored, syncs of those at rest, and changed CRM files. */
export function watchInstallations({ flow, installations, resting, isOpen, wake, instances }: SweepContext) {
  const isShared = instances !== undefined;
  const { store, now, limitedLog } = flow;
  /** By the time of their next sync, the earliest last. */
  let queue: { at: number; syncedAt?: number | undefined; one: Resting }[] = [];
  /** The last attempts; `syncedAt`: the last success before. */
  const attempts = new Map<string, { at: number; syncedAt: number | undefined }>();
  let files: WatchedFile[] | undefined;
  const syncing = new Set<Promise<void>>();
  const lastRuns = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  let sweeping: Promise<void> | undefined;
  let isLooking = false;
  let isStopped = false;

  const isTimeFor = (what: string, everyMs: number): boolean => {
    const last = lastRuns.get(what);
    if (last !== undefined && performance.now() - last < everyMs) return false;
    lastRuns.set(what, performance.now());
    return true;
  };

  const sweep = async (): Promise<void> => {
    if (!files || (isShared && isTimeFor("plan", planEveryMs))) await plan();
    const kinds = isTimeFor("seldom", seldomMs) ? [...often, ...seldom] : often;
    for (const { installation: name, waiting } of await store.waitingWork(now(), kinds)) {
      const installation = installations.get(name);
      // Polls that were planned before the settings switched polling off stay in the store.
      if (installation && (waiting !== "polls" || isPolled(installation))) wake(name, laneOf[waiting]);
    }
    if (isTimeFor("quiet calls", pollEveryMs)) {
      for (const name of await store.quietCalls(now() - silentMs)) wake(name, "reconcile");
      // With lanes they know themselves when they are to be polled.
      if (isShared)
        for (const { installation } of resting())
          if (isPolled(installation)) wake(installation.settings.name, "reconcile");
    }
    // Not awaited: a file may be on a network drive that hangs.
    if (isTimeFor("files", filesEveryMs)) void lookAtFiles();
    syncNext();
  };

  /** Queues all installations at rest by their next sync. */
  const plan = async (): Promise<void> => {
    const all = resting();
    const uses = new Map((await store.lastUses()).map((use) => [use.installation, use]));
    const times = all.map((one) => {
      const { installation, isOfFile, called, isActive } = one;
      const { name, region } = installation.settings;
      const { syncedAt, calledAt, numbering } = uses.get(name) ?? {};
      if (calledAt !== undefined) called(calledAt);
      const isCurrent = syncedAt !== undefined && syncedAt <= now() && numbering === numberingFor(region);
      if (isShared) {
        const due = isCurrent ? syncedAt + (isActive() ? syncEveryMs : syncAtRestMs) : 0;
        const last = attempts.get(name);
        // Those that fail all the time must not keep others from their turn.
        const failedAt = last && last.syncedAt === syncedAt ? last.at : Number.NEGATIVE_INFINITY;
        return { at: Math.max(due, failedAt + syncEveryMs), syncedAt, one };
      }
      const mayRest = !isOfFile && isCurrent && !isActive() && !isPolled(installation);
      return { at: mayRest ? syncedAt + syncAtRestMs : 0, one };
    });
    queue = times.sort((a, b) => b.at - a.at);
    files = all.flatMap(({ installation }) => watchedFile(installation) ?? []);
  };

  const syncNext = (): void => {
    while (
      !isStopped &&
      syncing.size < syncsAtOnce * (instances?.() ?? 1) &&
      (queue.at(-1)?.at ?? Number.POSITIVE_INFINITY) <= now()
    ) {
      const next = queue.pop();
      if (!next) return;
      const { one, syncedAt } = next;
      if (isShared) attempts.set(one.installation.settings.name, { at: now(), syncedAt });
      const work = one.sync();
      syncing.add(work);
      void work.then(() => {
        syncing.delete(work);
        if (!isShared) syncNext();
      });
    }
  };

  const lookAtFiles = async (): Promise<void> => {
    if (isLooking) return;
    isLooking = true;
    for (const file of files ?? []) {
      const { name } = file.installation.settings;
      const changed = await isChanged(file);
      // An open connector watches its file itself, and writes to it.
      if (changed && !isOpen(name) && !isStopped) wake(name, "sync");
    }
    isLooking = false;
  };

  const run = async (): Promise<void> => {
    await sweep().catch((err: unknown) => {
      if (!isStopped)
        limitedLog.seldom("error", { err }, "the store could not be searched for work; it is retried");
    });
    if (!isStopped) timer = setTimeout(begin, sweepMs);
  };
  const begin = (): void => {
    sweeping = run();
  };

  return {
    start: begin,
    /** Resolves when no sweep is under way. */
    async stop(): Promise<void> {
      isStopped = true;
      clearTimeout(timer);
      await sweeping;
      clearTimeout(timer);
    },
  };
}

/** Whether a provider of it is polled for lost webhooks, which needs a lane from the start. */
function isPolled(installation: Installation): boolean {
  const { providers } = installation;
  return Object.values(providers).some((configured) => whySkipped(installation, configured) === undefined);
}

/** The file of a local CRM. `seen`: its state when it was last looked at. */
type WatchedFile = { installation: Installation; path: string; seen?: string };

function watchedFile(installation: Installation): WatchedFile | undefined {
  const { file } = (installation.settings as InstallationConfig).crm;
  return typeof file === "string" ? { installation, path: file } : undefined;
}

/** Since the last look. */
async function isChanged(file: WatchedFile): Promise<boolean> {
  const found = await stat(file.path).catch(() => undefined);
  const before = file.seen;
  file.seen = found && `${found.mtimeMs} ${found.size} ${found.ino}`;
  return before !== undefined && file.seen !== undefined && before !== file.seen;
}
