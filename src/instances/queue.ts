import type { PgBoss } from "pg-boss";
import type { SharedStore } from "../store/contract.ts";

/** A piece of work that this instance has. It is fenced by how often it was handed out. */
export type HeldJob = { id: string; retryCount: number; name: string };

/** Work by name, each of which one instance has at a time. */
export type WorkQueue = {
  /** Offers work, once until it is taken. Returns how much of it was not offered yet. */
  offer(names: readonly string[]): Promise<number>;
  take(atMost: number): Promise<HeldJob[]>;
  /** Proves that this instance lives. Returns the ids of the work that it still has. */
  touch(jobs: readonly HeldJob[]): Promise<ReadonlySet<string>>;
  /** Gives work back: the next instance that wants it may have it. */
  complete(jobs: readonly HeldJob[]): Promise<void>;
};

/** The shortest that pg-boss allows: an instance that was killed loses its work after this. */
const heartbeatSeconds = 10;
/** How often pg-boss looks for heartbeats that stopped. */
const superviseSeconds = 2;

/**
 * `stately`: one job of a name waits and one is at work, so a job that is offered meanwhile is handed out after it. A job
 * that is taken over counts as a retry. Only names are in the queue: what is to be done is in our tables. Jobs that are
 * done are deleted soon, because pg-boss reads all jobs each time it looks for heartbeats.
 */
const queueOptions = {
  policy: "stately",
  heartbeatSeconds,
  retryLimit: 1_000_000,
  retryDelay: 0,
  expireInSeconds: 23 * 3_600,
  deleteAfterSeconds: 60,
} as const;

const silentMs = 5_000;
/** Instances that start together wait for the one that makes the tables. */
const migratingMs = 60_000;

const queues = ["installations", "cluster"] as const;

/** The work for installations, and the work that is done once for all of them. */
export type WorkQueues = { start(): Promise<void>; stop(): Promise<void> } & Record<
  (typeof queues)[number],
  WorkQueue
>;

/** The queues of pg-boss, in a schema of their own beside ours. */
export function openQueues(shared: SharedStore, failed: (error: unknown) => void): WorkQueues {
  let boss: PgBoss | undefined;

  const create = async (options: { migrate: boolean }): Promise<PgBoss> => {
    // Loaded when it is used: it takes 15 MB, which a server with the embedded store does not need.
    const { PgBoss } = await import("pg-boss");
    const made = new PgBoss({
      connectionString: withTimeout(shared.queue.url, options.migrate ? migratingMs : silentMs),
      schema: await shared.queue.schema(),
      application_name: "switchhook queue",
      max: 2,
      schedule: false,
      supervise: !options.migrate,
      superviseIntervalSeconds: superviseSeconds,
      monitorIntervalSeconds: superviseSeconds,
      maintenanceIntervalSeconds: queueOptions.deleteAfterSeconds,
      ...options,
    });
    made.on("error", failed);
    return made.start();
  };

  /** One instance at a time: pg-boss holds an advisory lock meanwhile. */
  const migrate = async (): Promise<void> => {
    const migrating = await create({ migrate: true });
    try {
      for (const name of queues) await migrating.createQueue(name, queueOptions);
    } finally {
      await migrating.stop({ graceful: false });
    }
  };

  const started = (): PgBoss => {
    if (!boss) throw new Error("the queue has not started");
    return boss;
  };

  const queue = (queueName: string): WorkQueue => ({
    async offer(names) {
      if (names.length === 0) return 0;
      const jobs = names.map((name) => ({ singletonKey: name, data: { name } }));
      return (await started().insert(queueName, jobs, { returnId: true }))?.length ?? 0;
    },
    async take(atMost) {
      const jobs = await started().fetch<{ name: string }>(queueName, { batchSize: atMost });
      return jobs.map(({ id, retryCount, data }) => ({ id, retryCount, name: data.name }));
    },
    async touch(jobs) {
      if (jobs.length === 0) return new Set();
      // The types of pg-boss 12.38 leave out what it answers.
      const { settled = [] } = (await started().touch(queueName, attemptsOf(jobs))) as { settled?: string[] };
      return new Set(settled);
    },
    async complete(jobs) {
      if (jobs.length > 0) await started().complete(queueName, attemptsOf(jobs));
    },
  });

  return {
    async start() {
      await migrate();
      boss = await create({ migrate: false });
    },
    async stop() {
      await boss?.stop({ graceful: false });
      boss = undefined;
    },
    installations: queue("installations"),
    cluster: queue("cluster"),
  };
}

/** pg-boss has no option for it: a connection that says nothing is given up. */
function withTimeout(url: string, ms: number): string {
  return `${url}${url.includes("?") ? "&" : "?"}query_timeout=${ms}`;
}

function attemptsOf(jobs: readonly HeldJob[]): { id: string; retryCount: number }[] {
  return jobs.map(({ id, retryCount }) => ({ id, retryCount }));
}
