import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { HeldJob, WorkQueue, WorkQueues } from "../../src/instances/queue.ts";
import { openTenancies, type Tenancies } from "../../src/instances/tenancies.ts";
import type { Notice, SharedChange, SharedStore, WorkClaim } from "../../src/store/contract.ts";

/** What all instances of a test share: queues that hand work out once, and notices. */
function openCluster() {
  const listeners = new Map<(notice: Notice) => void, () => void>();
  const changes: (SharedChange & { id: number })[] = [];
  const beats = new Map<string, { tenancies: number; hasListeners: boolean }>();
  let epoch = 0;
  let isAway = false;
  const reach = (): void => {
    if (isAway) throw new Error("PostgreSQL is away");
  };

  const queueOf = (): WorkQueue & { lose(name: string): void; waiting: string[] } => {
    const waiting: string[] = [];
    const active = new Map<string, HeldJob>();
    let jobs = 0;
    return {
      waiting,
      lose: (name) => void active.delete(name),
      async offer(names) {
        reach();
        const fresh = names.filter((name) => !waiting.includes(name));
        waiting.push(...fresh);
        return fresh.length;
      },
      async take(atMost) {
        reach();
        if (atMost < 1) throw new Error("pg-boss takes at least one");
        const taken = waiting.filter((name) => !active.has(name)).slice(0, atMost);
        return taken.map((name) => {
          waiting.splice(waiting.indexOf(name), 1);
          jobs += 1;
          const job = { id: `${jobs}`, retryCount: 0, name };
          active.set(name, job);
          return job;
        });
      },
      async touch(held) {
        reach();
        return new Set(held.filter(({ id, name }) => active.get(name)?.id === id).map(({ id }) => id));
      },
      async complete(held) {
        reach();
        for (const { id, name } of held) if (active.get(name)?.id === id) active.delete(name);
      },
    };
  };
  const installations = queueOf();
  const cluster = queueOf();
  const queues: WorkQueues = { installations, cluster, start: async () => {}, stop: async () => {} };

  const shared = {
    async claim(installation) {
      reach();
      epoch += 1;
      return { installation, epoch };
    },
    async beat(id, own) {
      reach();
      beats.set(id, own);
      const all = [...beats.values()];
      return {
        instances: all.length,
        tenancies: all.reduce((sum, { tenancies }) => sum + tenancies, 0),
        hasListeners: all.some(({ hasListeners }) => hasListeners),
        configs: 1,
      };
    },
    async leave(id) {
      beats.delete(id);
    },
    async changesSince() {
      reach();
      return { changes: [...changes], position: 0 };
    },
    async notify(notice) {
      reach();
      for (const heard of listeners.keys()) heard(notice);
    },
    async listen(heard, listening) {
      listeners.set(heard, listening);
      listening();
      return async () => void listeners.delete(heard);
    },
  } as Partial<SharedStore> as SharedStore;

  return {
    queues,
    shared,
    installations,
    cluster,
    setAway: (away: boolean) => {
      isAway = away;
    },
    /** A change whose notice got lost with the connection. */
    changeUnheard(change: SharedChange): void {
      changes.push({ ...change, id: changes.length + 1 });
      for (const listening of listeners.values()) listening();
    },
  };
}

type Cluster = ReturnType<typeof openCluster>;
type Instance = {
  tenancies: Tenancies;
  works: Map<string, WorkClaim>;
  idle: Set<string>;
  woken: string[];
  warnings: string[];
  changed: string[];
  isLeading: () => boolean;
};

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const started: Instance[] = [];

async function join(cluster: Cluster, places = 100): Promise<Instance> {
  const works = new Map<string, WorkClaim>();
  const idle = new Set<string>();
  const woken: string[] = [];
  const warnings: string[] = [];
  const changed: string[] = [];
  let isLeading = false;
  const tenancies = openTenancies({
    shared: cluster.shared,
    queues: cluster.queues,
    places,
    config: "c",
    log: quiet,
    limitedLog: {
      often() {},
      seldom: (_: string, { err }: { err?: unknown }) => warnings.push(`${err}`),
    } as never,
    hooks: {
      knows: (name) => name !== "unknown",
      take: (claim) => void works.set(claim.installation, claim),
      drop: async (name) => void works.delete(name),
      wake({ installation, lane }) {
        const isHere = works.has(installation);
        if (isHere) woken.push(`${installation}/${lane}`);
        return isHere;
      },
      isIdle: (name) => idle.has(name),
      lead: () => {
        isLeading = true;
      },
      follow: async () => {
        isLeading = false;
      },
      changed: async ({ what, name }) => void changed.push(`${what} ${name}`),
      live: { hasListeners: () => false, publish() {} },
    },
  });
  const instance = { tenancies, works, idle, woken, warnings, changed, isLeading: () => isLeading };
  started.push(instance);
  await tenancies.start();
  return instance;
}

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `i${i}`);
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"] });
});
afterEach(async () => {
  await Promise.all(started.splice(0).map(({ tenancies }) => tenancies.stop()));
  vi.useRealTimers();
});

test("work that is wanted is taken once, and its lane is woken where it is done", async () => {
  const cluster = openCluster();
  const [a, b] = [await join(cluster), await join(cluster)];
  b.tenancies.want("acme", "decode");
  await pass(100);
  const [holder, other] = a.works.has("acme") ? [a, b] : [b, a];
  expect([holder.works.has("acme"), other.works.has("acme")]).toEqual([true, false]);
  other.tenancies.want("acme", "deliver");
  await pass(100);
  expect(holder.woken).toContain("acme/deliver");
  expect(other.woken).toEqual([]);
});

test("one instance leads, and another one after it has ended", async () => {
  const cluster = openCluster();
  const [a, b] = [await join(cluster), await join(cluster)];
  expect([a.isLeading(), b.isLeading()]).toEqual([true, false]);
  await a.tenancies.stop();
  await pass(3_100);
  expect([a.isLeading(), b.isLeading()]).toEqual([false, true]);
});

test("an instance that ends hands its work over at once", async () => {
  const cluster = openCluster();
  const a = await join(cluster);
  for (const name of names(10)) a.tenancies.want(name, "decode");
  await pass(100);
  const b = await join(cluster);
  await a.tenancies.stop();
  await pass(100);
  expect([a.works.size, b.works.size]).toEqual([0, 10]);
});

test("work that another instance has by now is dropped at the next heartbeat", async () => {
  const cluster = openCluster();
  const a = await join(cluster);
  a.tenancies.want("acme", "decode");
  await pass(100);
  cluster.installations.lose("acme");
  await pass(3_000);
  expect(a.works.has("acme")).toBe(false);
});

test("an instance that cannot prove that it lives stops within 6.5 seconds, and works again when it can", async () => {
  const cluster = openCluster();
  const a = await join(cluster);
  a.tenancies.want("acme", "decode");
  await pass(3_100);
  expect([a.works.has("acme"), a.isLeading(), a.tenancies.isProven()]).toEqual([true, true, true]);
  cluster.setAway(true);
  await pass(6_600);
  expect([a.works.has("acme"), a.isLeading(), a.tenancies.isProven()]).toEqual([false, false, false]);
  cluster.setAway(false);
  for (const queue of [cluster.installations, cluster.cluster])
    for (const name of ["acme", "leader"]) queue.lose(name);
  await pass(3_100);
  a.tenancies.want("acme", "decode");
  await pass(2_000);
  expect([a.works.has("acme"), a.isLeading()]).toEqual([true, true]);
});

test("work at rest is given back, and taken again when there is some", async () => {
  const cluster = openCluster();
  const a = await join(cluster);
  a.tenancies.want("acme", "decode");
  await pass(100);
  a.idle.add("acme");
  await pass(6_100);
  expect(a.works.has("acme")).toBe(false);
  a.idle.clear();
  a.tenancies.want("acme", "decode");
  await pass(100);
  expect(a.works.has("acme")).toBe(true);
});

test("an instance that joins gets its share of work that never ends", async () => {
  const cluster = openCluster();
  const a = await join(cluster);
  for (const name of names(40)) a.tenancies.want(name, "decode");
  await pass(3_100);
  expect(a.works.size).toBe(40);
  const b = await join(cluster);
  await pass(60_000);
  expect(a.works.size + b.works.size).toBe(40);
  expect(b.works.size).toBeGreaterThanOrEqual(17);
});

test("when all places are taken, work that never ends gives way to work that waits", async () => {
  const cluster = openCluster();
  const a = await join(cluster, 5);
  const everDone = new Set<string>();
  for (const name of names(20)) a.tenancies.want(name, "decode");
  for (let seconds = 0; seconds < 120; seconds += 1) {
    await pass(1_000);
    expect(a.works.size).toBeLessThanOrEqual(5);
    for (const name of a.works.keys()) everDone.add(name);
  }
  expect(everDone.size).toBe(20);
});

test("work for an installation that is not known here is left alone", async () => {
  const cluster = openCluster();
  const a = await join(cluster);
  a.tenancies.want("unknown", "decode");
  await pass(1_500);
  expect([...a.works.keys()]).toEqual([]);
});

test("an instance with all places taken asks for nothing while none has had its turn", async () => {
  const cluster = openCluster();
  const a = await join(cluster, 2);
  for (const name of names(4)) a.tenancies.want(name, "decode");
  await pass(10_000);
  expect([...a.works.keys()]).toEqual(["i0", "i1"]);
  expect(a.warnings).toEqual([]);
  await pass(10_000);
  expect([...a.works.keys()]).toEqual(["i2", "i3"]);
});

test("a change whose notice got lost is followed as soon as notices come in again", async () => {
  const cluster = openCluster();
  const a = await join(cluster);
  cluster.changeUnheard({ what: "mappings", name: "acme" });
  await pass(0);
  expect(a.changed).toEqual(["mappings acme"]);
});
