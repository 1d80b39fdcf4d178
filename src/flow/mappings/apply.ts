import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { messageOf } from "../../core/errors.ts";
import type { Provider } from "../../core/provider.ts";
import { createTurns, inParts } from "../../lib/pace.ts";
import { type PlannedCall, planReplay } from "../explain/replay.ts";
import type { Flow, Installation } from "../installation.ts";

/** What applying the mapping in use to earlier calls would change, and how far it is. */
export type MappingApply = {
  id: string;
  /** `stopped`: by a person, or because the process that did it ended. */
  state: "planning" | "planned" | "running" | "done" | "stopped" | "failed";
  days: number;
  since: string;
  by: string;
  /** How many were compared so far; in a run, how many were gone through. */
  calls: number;
  /** Of these, how many would change; in a run, how many are sent again. */
  changed: number;
  /** Those that are not logged yet get the mapping in any case. */
  notLogged: number;
  /** How many have a field that a person changed, which stays. */
  kept: number;
  /** Some of those that change. */
  examples: Pick<PlannedCall, "key" | "changes">[];
  why?: string;
};

type ApplyContext = {
  flow: Flow;
  providers: Readonly<Record<string, Provider>>;
  wake: (installation: string) => void;
  isStopping: () => boolean;
};

const mostExamples = 20;
const deliveriesAtOnce = 50;
const callsAtOnce = 25;
const dayMs = 86_400_000;
/** The process that works at it writes more often. */
const silentMs = 90_000;
const backlogPauseMs = 200;
/** With a CRM that is away, calls wait anyway. */
const longestBacklogMs = 30_000;

/** Applies the mapping in use to the calls of the last days, in the background. One at a time for each installation. */
export function createMappingApplies({ flow, providers, wake, isStopping }: ApplyContext) {
  const { store, now } = flow;

  const read = async (name: string): Promise<MappingApply | undefined> => {
    const found = await store.mappingApply(name);
    if (!found) return undefined;
    const apply = JSON.parse(found.body) as MappingApply;
    return isAtWork(apply) && now() - found.updatedAt > silentMs ? { ...apply, state: "stopped" } : apply;
  };

  const save = (name: string, apply: MappingApply): Promise<void> =>
    store.saveMappingApply(name, JSON.stringify(apply), now());

  /** Stopping it must not come between the question whether it goes on and the note of its progress. */
  const turns = createTurns();

  /** Whether to go on with it: it was not stopped, and no other one has begun. */
  const goesOn = async (name: string, { id, state }: MappingApply): Promise<boolean> => {
    if (isStopping()) return false;
    const found = await read(name);
    return found?.id === id && found.state === state;
  };

  /** False when it does not go on. */
  const note = (name: string, apply: MappingApply, state = apply.state): Promise<boolean> =>
    turns(async () => {
      const isOn = await goesOn(name, apply);
      if (isOn) await save(name, { ...apply, state });
      return isOn;
    });

  const work = async (installation: Installation, apply: MappingApply): Promise<void> => {
    const { name } = installation.settings;
    const scope = { since: apply.since, atOnce: deliveriesAtOnce };
    try {
      for await (const { calls, byCall } of planReplay(flow, installation, providers, scope)) {
        if (!(await goesOn(name, apply))) return;
        count(apply, calls);
        if (apply.state === "running") await send(name, calls, byCall);
        if (!(await note(name, apply))) return;
      }
      await note(name, apply, apply.state === "running" ? "done" : "planned");
    } catch (error) {
      if (isStopping()) return;
      flow.log.error({ installation: name, err: error }, "applying the mapping to earlier calls failed");
      await save(name, { ...apply, state: "failed", why: messageOf(error) }).catch(() => {});
    }
  };

  const send = async (
    name: string,
    calls: readonly PlannedCall[],
    byCall: ReadonlyMap<string, readonly number[]>,
  ): Promise<void> => {
    const changed = calls.filter(({ plan }) => plan === "changed");
    for (const part of inParts(changed, callsAtOnce)) {
      const ids = part.flatMap(({ key }) => byCall.get(key) ?? []);
      for (const some of inParts(ids, 1_000)) await store.replay(some, now());
      wake(name);
      await backlogOver(name);
    }
  };

  /** New calls go through the same lane: no more is put into it before it is empty. */
  const backlogOver = async (name: string): Promise<void> => {
    for (let waited = 0; waited < longestBacklogMs && !isStopping(); waited += backlogPauseMs) {
      const waiting = await store.waitingWork(now(), ["deliveries", "calls"]);
      if (!waiting.some(({ installation }) => installation === name)) return;
      await pause(backlogPauseMs);
    }
  };

  /** `next` makes it from the last one. Undefined when one is under way, or when `next` gives none. */
  const begin = (
    installation: Installation,
    next: (last: MappingApply | undefined) => MappingApply | undefined,
  ): Promise<MappingApply | undefined> =>
    turns(async () => {
      const { name } = installation.settings;
      const last = await read(name);
      const apply = last && isAtWork(last) ? undefined : next(last);
      if (!apply) return undefined;
      await save(name, apply);
      void work(installation, structuredClone(apply));
      return apply;
    });

  return {
    read,
    /** Undefined when one is under way. */
    plan: (installation: Installation, days: number, by: string): Promise<MappingApply | undefined> => {
      const since = new Date(now() - days * dayMs).toISOString();
      return begin(installation, () => ({ ...nothing(), state: "planning", days, since, by }));
    },
    /** Undefined unless this plan is ready. */
    run: (installation: Installation, id: string, by: string): Promise<MappingApply | undefined> =>
      begin(installation, (planned) => {
        if (planned?.id !== id || planned.state !== "planned") return undefined;
        const { days, since } = planned;
        return { ...nothing(), state: "running", days, since, by };
      }),
    stop: (name: string): Promise<MappingApply | undefined> =>
      turns(async () => {
        const found = await read(name);
        if (!found || !isAtWork(found)) return found;
        const stopped = { ...found, state: "stopped" as const };
        await save(name, stopped);
        return stopped;
      }),
  };
}

function isAtWork({ state }: Pick<MappingApply, "state">): boolean {
  return state === "planning" || state === "running";
}

function nothing(): Pick<MappingApply, "id" | "calls" | "changed" | "notLogged" | "kept" | "examples"> {
  return { id: randomUUID(), calls: 0, changed: 0, notLogged: 0, kept: 0, examples: [] };
}

function count(apply: MappingApply, calls: readonly PlannedCall[]): void {
  const changed = calls.filter(({ plan }) => plan === "changed");
  apply.calls += calls.length;
  apply.changed += changed.length;
  apply.notLogged += calls.filter(({ plan }) => plan === "new").length;
  apply.kept += calls.filter(({ changes }) => changes.some(({ kept }) => kept)).length;
  const examples = changed.slice(0, mostExamples - apply.examples.length);
  apply.examples.push(...examples.map(({ key, changes }) => ({ key, changes: changes.map(shortened) })));
}

function shortened(change: PlannedCall["changes"][number]): PlannedCall["changes"][number] {
  const short = <T>(value: T): T => (typeof value === "string" ? (value.slice(0, 200) as T) : value);
  return {
    ...change,
    to: short(change.to),
    ...(change.from !== undefined && { from: short(change.from) }),
  };
}
