import { randomUUID } from "node:crypto";
import type { LimitedLog, LiveCall, Log } from "../core/runtime.ts";
import { oneRunAtATime, untilDone } from "../lib/pace.ts";
import type { InstanceCounts, Notice, SharedStore, WorkClaim } from "../store/contract.ts";
import { followChanges } from "./changes.ts";
import type { TenancyHooks } from "./hooks.ts";
import { type AccountUse, createNotices } from "./notices.ts";
import { type HeldJob, openQueues, type WorkQueues } from "./queue.ts";

/** Which instance works for which installation. */
export type Tenancies = ReturnType<typeof openTenancies>;

type TenancyOptions = {
  shared: SharedStore;
  hooks: TenancyHooks;
  log: Log;
  limitedLog: LimitedLog;
  /** Installations that this instance works for at a time, at most. */
  places: number;
  /** Stands for the configuration, which all instances are to have. */
  config: string;
  /** In place of those of pg-boss, for tests. */
  queues?: WorkQueues;
};

/** `isLeaving`: its work is being stopped. */
type Tenancy = { job: HeldJob; claim: WorkClaim; heldSince: number; isLeaving?: true };

const beatMs = 3_000;
const pollMs = 1_000;
const changesMs = 5_000;
/** An instance that could not prove for this long that it lives stops by itself: sooner than another one takes over. */
const unprovenMs = 6_000;
const lookAtProofMs = 500;
/** Well before pg-boss ends a job. */
const longestMs = 12 * 3_600_000;
/** After it gave work away, an instance leaves it to the others for a while. */
const othersFirstMs = 1_500;
/** When all places are taken, work that was done for this long gives way to work that waits. */
const turnMs = 15_000;
/** Few, so that instances that are started together share the work. */
const takenAtOnce = 4;
const leader = "leader";
const unlike =
  "the instances run with different configurations: one that lacks an installation refuses its webhooks; give all of them the same";

export function openTenancies({ shared, hooks, log, limitedLog, places, config, ...rest }: TenancyOptions) {
  const id = randomUUID();
  const failed = (error: unknown): void => {
    if (!isStopping)
      limitedLog.seldom("warn", { err: error }, "the instances cannot agree on their work; it is retried");
  };
  const { queues = openQueues(shared, failed) } = rest;
  const notices = createNotices({ id, shared, installations: queues.installations, failed });
  const held = new Map<string, Tenancy>();
  const timers = new Set<NodeJS.Timeout>();
  let counts: InstanceCounts = { instances: 1, tenancies: 0, hasListeners: false, configs: 1 };
  let led: HeldJob | undefined;
  let provenAt = performance.now();
  let othersFirstUntil = 0;
  let stopListening: (() => Promise<void>) | undefined;
  let isStopping = false;

  const isProven = (): boolean => performance.now() - provenAt < unprovenMs;

  /** What this instance has when all have the same. */
  const fairShare = (): number => Math.ceil(counts.tenancies / Math.max(1, counts.instances));

  const begin = async (job: HeldJob): Promise<void> => {
    const { name } = job;
    if (!hooks.knows(name)) await catchUp();
    if (!hooks.knows(name) || held.has(name)) return queues.installations.complete([job]);
    const claim = await shared.claim(name);
    // A process that was stopped before the claim may have lost its work meanwhile.
    const isOurs = (await queues.installations.touch([job])).has(job.id);
    if (!isOurs) return;
    if (isStopping) return queues.installations.complete([job]);
    held.set(name, { job, claim, heldSince: performance.now() });
    hooks.take(claim);
  };

  const takeAll = async (): Promise<void> => {
    if (performance.now() < othersFirstUntil) return;
    for (let isMore = true; isMore && !isStopping && isProven(); ) {
      const free = places - held.size;
      if (free <= 0) return;
      const jobs = await queues.installations.take(Math.min(free, takenAtOnce));
      // A claim may wait for the last holder's transaction, during which the other jobs would be lost.
      await Promise.all(jobs.map((job) => begin(job).catch(failed)));
      isMore = jobs.length === takenAtOnce;
    }
  };

  const lead = async (): Promise<void> => {
    if (led || isStopping || !isProven()) return;
    await queues.cluster.offer([leader]);
    const [job] = await queues.cluster.take(1);
    if (!job) return;
    led = job;
    hooks.lead();
  };

  /** Stops the work for an installation. `isOurs`: others may have it only after that. */
  const leave = async (name: string, isOurs: boolean): Promise<void> => {
    const tenancy = held.get(name);
    if (!tenancy || tenancy.isLeaving) return;
    tenancy.isLeaving = true;
    await hooks.drop(name);
    if (isOurs) await queues.installations.complete([tenancy.job]).catch(failed);
    if (held.get(name) === tenancy) held.delete(name);
  };

  /** An instance that had lost the work made a claim too late: the queue says whose it is, and the next claim counts. */
  const reclaim = async ({ installation, epoch }: WorkClaim): Promise<void> => {
    if (held.get(installation)?.claim.epoch !== epoch) return;
    await queues.installations.offer([installation]).catch(failed);
    await leave(installation, true);
  };

  const stopLeading = async (isOurs: boolean): Promise<void> => {
    const job = led;
    if (!job) return;
    led = undefined;
    await hooks.follow();
    if (isOurs) await queues.cluster.complete([job]).catch(failed);
  };

  const loseAll = (): void => {
    if (held.size > 0 || led)
      limitedLog.seldom(
        "warn",
        { installations: held.size },
        "this instance could not prove that it lives; it has stopped its work, which another one takes over",
      );
    for (const name of held.keys()) void leave(name, false);
    void stopLeading(false);
  };

  const beat = async (): Promise<void> => {
    const at = performance.now();
    const tenancies = [...held.values()];
    const leading = led;
    const alive = await queues.installations.touch(tenancies.map(({ job }) => job));
    const isLeading = leading && (await queues.cluster.touch([leading])).has(leading.id);
    const before = counts.configs;
    const own = { tenancies: held.size, hasListeners: hooks.live.hasListeners(), config };
    counts = await shared.beat(id, own);
    provenAt = at;
    if (counts.configs > Math.max(1, before)) log.warn({ instances: counts.instances }, unlike);
    for (const { job } of tenancies)
      if (!alive.has(job.id) && held.get(job.name)?.job === job) void leave(job.name, false);
    if (leading && !isLeading && led === leading) void stopLeading(false);
  };

  /** By how long it is held, the longest first. */
  const oldest = (): [string, Tenancy][] =>
    [...held].filter(([, { isLeaving }]) => !isLeaving).sort(([, a], [, b]) => a.heldSince - b.heldSince);

  /** Installations that always have something to do would otherwise keep all places from those that wait. */
  const takeTurns = async (): Promise<void> => {
    const at = performance.now();
    const ready = held.size < places ? [] : oldest().filter(([, { heldSince }]) => at - heldSince > turnMs);
    if (ready.length === 0 || isStopping) return;
    const waiting = await queues.installations.take(
      Math.min(ready.length, Math.max(takenAtOnce, Math.ceil(places / 4))),
    );
    const leaving = ready.slice(0, waiting.length).map(([name]) => name);
    await queues.installations.offer(leaving.toSorted());
    // At once: what leaves may wait for a CRM for longer than a job waits for a sign of life.
    const beginning = waiting.map((job) => begin(job).catch(failed));
    await Promise.all([...leaving.map((name) => leave(name, true)), ...beginning]);
  };

  /** Of installations at rest, of those held for long, and of more than this instance's share. */
  const letGo = async (): Promise<void> => {
    const at = performance.now();
    const leaving: string[] = [];
    for (const [name, { heldSince, isLeaving }] of held) {
      const heldMs = at - heldSince;
      if (!isLeaving && ((heldMs > beatMs && hooks.isIdle(name)) || heldMs > longestMs)) leaving.push(name);
    }
    const share = fairShare();
    const surplus = counts.instances > 1 ? held.size - leaving.length - share : 0;
    // One more or less is no reason to move work.
    const moving = surplus > 1 ? Math.max(1, Math.floor(surplus / 4)) : 0;
    const moved = oldest()
      .map(([name]) => name)
      .filter((name) => !leaving.includes(name))
      .slice(0, moving);
    if (leaving.length + moved.length === 0) return;
    if (moved.length > 0) othersFirstUntil = at + othersFirstMs;
    // What is moved has more to do.
    await queues.installations.offer(moved.toSorted());
    await Promise.all([...leaving, ...moved].map((name) => leave(name, true)));
    if (moved.length > 0) await shared.notify({ kind: "free" });
  };

  const catchUp = followChanges({ shared, changed: hooks.changed, failed });

  const heard = (notice: Notice): void => {
    if (isStopping) return;
    if (notice.kind === "wake") for (const lane of notice.lanes) hooks.wake(lane);
    else if (notice.kind === "free") void take();
    else if (notice.kind === "changed") void hooks.changed(notice.change).catch(failed);
    else if (notice.kind === "answers") notices.heardAnswers(notice);
    else if (notice.from !== id) hooks.live.publish(notice.calls);
  };

  const take = oneRunAtATime(() => takeAll().catch(failed));

  /** Again and again, each time after the one before. */
  const every = (ms: number, work: () => Promise<void>): void => {
    const run = oneRunAtATime(() => work().catch(failed));
    const timer = setInterval(() => void run(), ms);
    timers.add(timer);
  };

  return {
    want: notices.want,

    /** Without proof that it lives, an instance sends nothing to a CRM that it works for: another may be at work. */
    share: (use: AccountUse): number =>
      use.isHeld && !isProven() ? 0 : notices.share(use, counts.instances),

    /** Tells the other instances about calls that changed, if anyone watches there. */
    publish(calls: readonly LiveCall[]): void {
      if (counts.hasListeners) void shared.notify({ kind: "live", from: id, calls }).catch(failed);
    },

    isProven,

    /** A write with this claim was refused. */
    overtaken: (claim: WorkClaim): void => void reclaim(claim),

    /** Follows what other instances have changed until now. */
    catchUp,

    counts: (): InstanceCounts & { held: number; isLeading: boolean } => ({
      ...counts,
      held: held.size,
      isLeading: led !== undefined,
    }),

    async start(): Promise<void> {
      // PostgreSQL may be away for a while, as it may later.
      const again = { pauseMs: pollMs, failed, isOver: () => isStopping };
      await untilDone(queues.start, again);
      await untilDone(catchUp, again);
      stopListening = await untilDone(() => shared.listen(heard, () => void catchUp().catch(failed)), again);
      if (isStopping) return;
      provenAt = performance.now();
      timers.add(setInterval(() => isProven() || loseAll(), lookAtProofMs));
      every(beatMs, beat);
      // Apart from the heartbeat, which must not wait until work has stopped.
      every(beatMs, () => letGo().then(takeTurns));
      every(beatMs, lead);
      every(pollMs, take);
      every(changesMs, catchUp);
      await Promise.all([notices.start(), beat(), lead()].map((one) => one.catch(failed)));
      log.info({ instance: id, instances: counts.instances }, "works beside other instances");
    },

    /** Hands all of its work over. */
    async stop(): Promise<void> {
      isStopping = true;
      for (const timer of timers) clearInterval(timer);
      notices.stop();
      await take();
      const names = [...held.keys()].sort();
      // Whoever takes it looks for what is to be done, now or later.
      await queues.installations.offer(names).catch(failed);
      await Promise.all([...names.map((name) => leave(name, true)), stopLeading(true)]);
      await shared.leave(id).catch(() => {});
      if (names.length > 0) await shared.notify({ kind: "free" }).catch(() => {});
      await stopListening?.();
      await queues.stop();
    },
  };
}
