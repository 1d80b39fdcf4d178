import { createPace } from "../../lib/pace.ts";
import type { DeadCall, IgnoredFailure, Store } from "../../store/contract.ts";
import { type FailureReason, failureReason } from "./reason.ts";

/** Dead calls that are looked at; of more, the latest. */
const mostCalls = 20_000;
const callsAtOnce = 1_000;

/** Dead calls of the same reason. Times in milliseconds since 1970. */
export type FailureGroup = FailureReason & {
  count: number;
  firstAt: number;
  lastAt: number;
  installations: { name: string; count: number }[];
  /** The key of the latest of its calls. */
  sample: string;
};

export type FailureGroups = {
  groups: FailureGroup[];
  /** Groups of single installations, which a person ignores. */
  ignored: FailureGroup[];
  /** There are more dead calls, which are older. */
  isPartial: boolean;
};

/** The dead calls by their reasons, the largest group first. */
export async function failureGroups(store: Store, installation?: string): Promise<FailureGroups> {
  const parts = new Map<string, FailureGroup>();
  const reasonOf = reasonCache();
  const isPartial = await eachDead(store, { installation }, (call) => {
    const reason = reasonOf(call.reason);
    const part = `${reason.group} ${call.installation}`;
    parts.set(part, joined(parts.get(part), groupOf(reason, call)));
  });
  const hidden = hiddenUntil(await store.ignoredFailures(installation));
  const groups = new Map<string, FailureGroup>();
  const ignored: FailureGroup[] = [];
  for (const [part, group] of parts) {
    if (group.lastAt <= (hidden.get(part) ?? Number.NEGATIVE_INFINITY)) ignored.push(group);
    else groups.set(group.group, joined(groups.get(group.group), group));
  }
  const largest = (a: FailureGroup, b: FailureGroup) => b.count - a.count || b.lastAt - a.lastAt;
  return { groups: [...groups.values()].sort(largest), ignored: ignored.sort(largest), isPartial };
}

function hiddenUntil(ignored: readonly IgnoredFailure[]): Map<string, number> {
  return new Map(ignored.map(({ installation, failure, at }) => [`${failure} ${installation}`, at]));
}

function groupOf(reason: FailureReason, { installation, key, diedAt }: DeadCall): FailureGroup {
  const installations = [{ name: installation, count: 1 }];
  return { ...reason, count: 1, firstAt: diedAt, lastAt: diedAt, installations, sample: key };
}

function joined(one: FailureGroup | undefined, other: FailureGroup): FailureGroup {
  if (!one) return other;
  const counts = new Map(one.installations.map(({ name, count }) => [name, count]));
  for (const { name, count } of other.installations) counts.set(name, (counts.get(name) ?? 0) + count);
  return {
    ...one,
    count: one.count + other.count,
    firstAt: Math.min(one.firstAt, other.firstAt),
    lastAt: Math.max(one.lastAt, other.lastAt),
    installations: [...counts].map(([name, count]) => ({ name, count })),
    sample: other.lastAt > one.lastAt ? other.sample : one.sample,
  };
}

/** Many calls have the very same reason. */
export function reasonCache(): (reason: string) => FailureReason {
  const known = new Map<string, FailureReason>();
  return (reason) => {
    const found = known.get(reason) ?? failureReason(reason);
    if (known.size < callsAtOnce) known.set(reason, found);
    return found;
  };
}

/** `failure`: of one group only. `notIn`: without those that a retry has taken. */
export type DeadFilter = {
  installation?: string | undefined;
  failure?: string | undefined;
  notIn?: string | undefined;
};

/** How many dead calls match now. */
export async function countDead(
  store: Store,
  { failure, ...filter }: DeadFilter,
): Promise<{ matches: number; isPartial: boolean }> {
  const reasonOf = reasonCache();
  let matches = 0;
  const isPartial = await eachDead(store, filter, ({ reason }) => {
    if (failure === undefined || reasonOf(reason).group === failure) matches += 1;
  });
  return { matches, isPartial };
}

/** The latest first. Returns whether there are more than are looked at. */
async function eachDead(
  store: Store,
  { installation, notIn }: DeadFilter,
  look: (call: DeadCall) => void,
): Promise<boolean> {
  const pace = createPace();
  let before = Number.MAX_SAFE_INTEGER;
  for (let seen = 0; seen < mostCalls; ) {
    const calls = await store.deadCalls({
      ...(installation !== undefined && { installation }),
      ...(notIn !== undefined && { notIn }),
      before,
      limit: callsAtOnce,
    });
    for (const call of calls) {
      look(call);
      await pace();
    }
    if (calls.length < callsAtOnce) return false;
    seen += calls.length;
    before = calls.at(-1)?.id ?? 0;
  }
  return true;
}
