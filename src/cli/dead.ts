import type { TrackedCall } from "../core/tracked-call.ts";
import type { Store } from "../store/contract.ts";
import { callLines, findCall, newestCalls } from "./explain.ts";
import { commandLine, counted, Failure, type GlobalOptions, print, printable, printJson } from "./output.ts";
import { sayWhoWorks, withParts, withStore, workOff } from "./with-parts.ts";

/** `retry`: a call, or true for all. */
export type DeadOptions = GlobalOptions & { retry?: string | true; installation?: string };

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
