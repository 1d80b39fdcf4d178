import type { TrackedCall } from "../core/tracked-call.ts";
import { type PlannedCall, type PlannedChange, planReplay } from "../flow/explain/replay.ts";
import type { Installation } from "../flow/installation.ts";
import { inParts } from "../lib/pace.ts";
import type { Parts } from "../server/assemble.ts";
import type { Store } from "../store/contract.ts";
import { callLines, findCall, newestCalls } from "./explain.ts";
import {
  commandLine,
  counted,
  Failure,
  type GlobalOptions,
  print,
  printable,
  printJson,
  progressLine,
} from "./output.ts";
import {
  chosenInstallations,
  sayWhoWorks,
  type Worked,
  withParts,
  withStore,
  workOff,
} from "./with-parts.ts";

export type ReplayOptions = GlobalOptions & {
  since?: string;
  installation?: string;
  provider?: string;
  call?: string;
  dryRun?: boolean;
  limit: number;
};

type Scope = { since?: string; provider?: string; key?: string };
type Total = { deliveries: number; calls: PlannedCall[]; unreadable: { delivery: number; reason: string }[] };

/** Decodes and saves calls again with the current decoders and mappings; `--dry-run` only shows what would change. */
export async function replay(options: ReplayOptions): Promise<void> {
  if (options.since === undefined && options.call === undefined) {
    throw new Failure("Say which calls to replay: --since 2h, --since 2026-11-01, or --call <call>.");
  }
  await withParts(options, async (parts) => {
    const { provider, installation, dryRun = false } = options;
    if (provider !== undefined && !Object.hasOwn(parts.providers, provider)) {
      throw new Failure(
        `There is no provider ${provider}. Use one of: ${Object.keys(parts.providers).join(", ")}.`,
      );
    }
    const scope: Scope = {
      ...(options.since !== undefined && { since: sinceOf(options.since, parts.flow.now()) }),
      ...(provider !== undefined && { provider }),
      ...(options.call !== undefined && { key: await findCall(parts.flow.store, options.call) }),
    };
    const total: Total = { deliveries: 0, calls: [], unreadable: [] };
    for (const one of chosenInstallations(parts, installation))
      await goThrough(parts, one, { scope, dryRun, total });
    const worked = dryRun ? undefined : await workOff(parts);
    if (options.json) return printJson({ dryRun, ...total, ...worked });
    sayChanges(total, options.limit);
    saySummary(total, worked);
  });
}

/** Plans page by page, and marks each page for the lane except in a dry run. */
async function goThrough(
  parts: Parts,
  installation: Installation,
  { scope, dryRun, total }: { scope: Scope; dryRun: boolean; total: Total },
) {
  const { flow, providers } = parts;
  const progress = progressLine();
  for await (const { deliveries, calls, unreadable } of planReplay(flow, installation, providers, scope)) {
    if (!dryRun) for (const ids of inParts(deliveries, 1_000)) await flow.store.replay(ids, flow.now());
    total.deliveries += deliveries.length;
    total.calls.push(...calls);
    total.unreadable.push(...unreadable);
    progress.show(`${installation.settings.name}: ${counted(total.calls.length, "call")} compared ...`);
  }
  progress.done();
}

const unitMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** ISO from `30m`, `2h`, `3d`, `1w`, or from an ISO date or time. Throws `Failure`. */
export function sinceOf(text: string, now: number): string {
  const [, amount, unit = ""] = /^(\d{1,6})([mhdw])$/.exec(text.trim()) ?? [];
  const ms = amount
    ? now - Number(amount) * (unitMs[unit] ?? 0)
    : /^\d{4}-/.test(text)
      ? Date.parse(text)
      : Number.NaN;
  if (Number.isFinite(ms) && ms >= 0) return new Date(ms).toISOString();
  throw new Failure(
    `--since ${JSON.stringify(text)} is not a time. Write it like 30m, 2h, 3d, 2026-11-01 or 2026-11-01T08:00:00Z.`,
  );
}

function sayChanges({ calls, unreadable }: Total, limit: number): void {
  const shown = calls.filter(({ plan }) => plan === "changed" || plan === "new");
  for (const { key, plan, why, changes } of shown.slice(0, limit)) {
    print(`${key}${plan === "new" ? `  not in the CRM yet${why ? `: ${why}` : ""}` : ""}`);
    for (const change of plan === "new" ? [] : changes) print(`    ${changeLine(change)}`);
  }
  if (shown.length > limit) print(`... and ${shown.length - limit} more; --limit shows them`);
  for (const { delivery, reason } of unreadable.slice(0, limit)) {
    print(`delivery ${delivery} cannot be decoded: ${printable(reason)}`);
  }
}

function changeLine({ field, from, to, kept }: PlannedChange): string {
  if (kept) return `${field}: stays as a person wrote it`;
  return `${field}: ${from === undefined ? "(nothing)" : valueText(from)} -> ${valueText(to)}`;
}

function valueText(value: unknown): string {
  const text = JSON.stringify(value);
  return printable(text.length > 100 ? `${text.slice(0, 97)}...` : text);
}

function saySummary({ calls, deliveries }: Total, worked: Worked | undefined): void {
  const count = (plan: PlannedCall["plan"]) => calls.filter((call) => call.plan === plan).length;
  if (calls.length > 0) print();
  const left = count("left");
  print(
    `${counted(calls.length, "call")}, made of ${counted(deliveries, "webhook")}: ` +
      `${count("changed")} to change, ${count("new")} not in the CRM yet, ${count("unchanged")} unchanged` +
      `${left > 0 ? `, ${left} left alone` : ""}.`,
  );
  if (worked) sayWhoWorks(worked);
  else print("A dry run: nothing was changed.");
}

/** `retry`: a call, or true for all. */
type DeadOptions = GlobalOptions & { retry?: string | true; installation?: string };

/** Lists calls that cannot be logged until a person fixes something; `--retry` logs all of them or one again. */
export async function dead(options: DeadOptions): Promise<void> {
  const { retry } = options;
  if (retry === undefined) return list(options);
  await withParts(options, async (parts) => {
    const { store, now } = parts.flow;
    const all = () => deadCalls(store, options.installation);
    const keys = retry === true ? (await all()).map(({ call }) => call.key) : [await findCall(store, retry)];
    for (const key of keys) {
      if (await store.retry(key, now())) continue;
      throw new Failure(
        `The call ${key} is not over yet or was merged into another: there is nothing to retry.`,
      );
    }
    const worked = await workOff(parts);
    if (options.json) return printJson({ retried: keys, ...worked });
    if (keys.length === 0) return print("No calls are dead.");
    print(`${counted(keys.length, "call")} to be logged again.`);
    sayWhoWorks(worked);
  });
}

async function list(options: DeadOptions): Promise<void> {
  const rows = await withStore(options, (store) => deadCalls(store, options.installation));
  if (options.json) {
    return printJson({
      dead: rows.map(({ call, reason, attempts }) => ({ key: call.key, reason, attempts })),
    });
  }
  if (rows.length === 0) return print("No calls are dead.");
  for (const [i, line] of callLines(rows).entries()) {
    print(line);
    print(`    ${printable(rows[i]?.reason ?? "no reason was given")}`);
  }
  print(`\nWhen the reason is corrected: ${commandLine("dead --retry")}, or --retry <call> for one.`);
}

async function deadCalls(store: Store, installation: string | undefined): Promise<TrackedCall[]> {
  const rows: TrackedCall[] = [];
  for await (const row of newestCalls(store, { state: "dead", ...(installation && { installation }) }))
    rows.push(row);
  return rows;
}
