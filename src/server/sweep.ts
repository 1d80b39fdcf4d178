import { stat } from "node:fs/promises";
import type { InstallationConfig } from "../config/index.ts";
import { whySkipped } from "../flow/calls/due.ts";
import { silentMs } from "../flow/calls/unknown-end.ts";
import type { Flow, Installation } from "../flow/installation.ts";
import type { Waiting } from "../store/contract.ts";
import { type LaneKind, syncAtRestMs } from "./lanes.ts";
import { pollEveryMs } from "./reconcile-lane.ts";

/** An installation without lanes. */
export type Resting = {
  installation: Installation;
  /** Notes when its newest call changed. */
  called(at: number): void;
  isActive(): boolean;
  /** Adds its lanes; resolves after the first sync. */
  sync(): Promise<void>;
};

type SweepContext = {
  flow: Flow;
  /** The installations that have no lanes. */
  resting: () => Resting[];
  isOpen: (installation: string) => boolean;
  wake: (installation: string, lane: LaneKind) => void;
  /** Called every second. */
  tick: () => void;
};

/** Another process, such as a command, stores its work without waking us. */
const sweepMs = 1_000;
const often: readonly Waiting[] = ["deliveries", "lines", "calls", "follow-ups", "polls"];
/** Most rows of recordings are copies that wait for their end, months away. */
const seldom: readonly Waiting[] = ["recordings"];
const seldomMs = 10_000;
/** How often the files of local CRMs are looked at while they are not open. */
const filesEveryMs = 30_000;
/** First syncs at a time, so that a start does not overwhelm the CRMs or this process. */
const syncsAtOnce = 8;

const laneOf: Readonly<Record<Waiting, LaneKind>> = {
  deliveries: "decode",
  lines: "decode",
  calls: "deliver",
  "follow-ups": "deliver",
  polls: "reconcile",
  recordings: "recordings",
};

/** Watches all installations at once: work that another process stored, syncs of those at rest, and changed CRM files. */
export function watchInstallations({ flow, resting, isOpen, wake, tick }: SweepContext) {
  const { store, now, limitedLog } = flow;
  /** By the time of their next sync, the earliest last. */
  let queue: { at: number; one: Resting }[] = [];
  let files: WatchedFile[] = [];
  const syncing = new Set<Promise<void>>();
  const lastRuns = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  let sweeping: Promise<void> | undefined;
  let isStopped = false;

  const isTimeFor = (what: string, everyMs: number): boolean => {
    const last = lastRuns.get(what);
    if (last !== undefined && performance.now() - last < everyMs) return false;
    lastRuns.set(what, performance.now());
    return true;
  };

  const sweep = async (): Promise<void> => {
    const kinds = isTimeFor("seldom", seldomMs) ? [...often, ...seldom] : often;
    for (const { installation, waiting } of await store.waitingWork(now(), kinds))
      wake(installation, laneOf[waiting]);
    if (isTimeFor("quiet calls", pollEveryMs))
      for (const name of await store.quietCalls(now() - silentMs)) wake(name, "reconcile");
    if (isTimeFor("files", filesEveryMs)) await lookAtFiles();
    syncNext();
  };

  /** Queues all installations at rest by their next sync; those of a changed file and those with recent calls are due now. */
  const plan = async (): Promise<void> => {
    const all = resting().map((one) => ({ one, file: watchedFile(one.installation) }));
    files = all.flatMap(({ file }) => file ?? []);
    const uses = new Map((await store.lastUses()).map((use) => [use.installation, use]));
    const times = await Promise.all(
      all.map(async ({ one, file }) => {
        const { syncedAt, calledAt } = uses.get(one.installation.settings.name) ?? {};
        if (calledAt !== undefined) one.called(calledAt);
        const isDue =
          syncedAt === undefined ||
          syncedAt > now() ||
          one.isActive() ||
          isPolled(one.installation) ||
          (file && (await isChanged(file, syncedAt)));
        return { at: isDue ? 0 : syncedAt + syncAtRestMs, one };
      }),
    );
    queue = times.sort((a, b) => b.at - a.at);
  };

  const syncNext = (): void => {
    while (
      !isStopped &&
      syncing.size < syncsAtOnce &&
      (queue.at(-1)?.at ?? Number.POSITIVE_INFINITY) <= now()
    ) {
      const work: Promise<void> | undefined = queue.pop()?.one.sync();
      if (!work) return;
      syncing.add(work);
      void work.then(() => {
        syncing.delete(work);
        syncNext();
      });
    }
  };

  const lookAtFiles = async (): Promise<void> => {
    for (const file of files) {
      const { name } = file.installation.settings;
      const changed = await isChanged(file);
      // An open connector watches its file itself, and writes to it.
      if (changed && !isOpen(name) && !isStopped) wake(name, "sync");
    }
  };

  const run = async (): Promise<void> => {
    tick();
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
    start(): void {
      sweeping = plan()
        .catch((err: unknown) => flow.log.error({ err }, "the next syncs could not be planned"))
        .then(run);
    },
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

/** Since the last look; at the first look, since the time `since`. */
async function isChanged(file: WatchedFile, since = Number.POSITIVE_INFINITY): Promise<boolean> {
  const found = await stat(file.path).catch(() => undefined);
  const state = found && `${found.mtimeMs} ${found.size} ${found.ino}`;
  const before = file.seen;
  if (state !== undefined) file.seen = state;
  if (before === undefined) return (found?.mtimeMs ?? 0) > since;
  return state !== undefined && state !== before;
}
