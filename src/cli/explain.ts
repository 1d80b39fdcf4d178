import { beganAt } from "../core/call.ts";
import type { TrackedCall } from "../core/tracked-call.ts";
import { explainCall, explainText } from "../flow/explain/explain.ts";
import type { Store } from "../store/contract.ts";
import { commandLine, counted, Failure, type GlobalOptions, print, printJson, table } from "./output.ts";
import { withStore } from "./with-parts.ts";

export type ExplainOptions = GlobalOptions & { limit: number };

/** Why a call looks the way it does in the CRM; the latest calls when none is named. */
export async function explain(text: string | undefined, options: ExplainOptions): Promise<void> {
  await withStore(options, async (store) => {
    if (text === undefined) {
      const rows = await latestCalls(store, options.limit);
      if (options.json)
        return printJson({ calls: rows.map(({ call, state, reason }) => ({ ...call, state, reason })) });
      for (const line of callLines(rows)) print(line);
      return print(rows.length > 0 ? `\nExplain one: ${commandLine("explain <call>")}` : "No calls yet.");
    }
    const key = await findCall(store, text);
    const explanation = await explainCall(store, key);
    if (!explanation) throw new Failure(`The call ${key} has just been removed.`);
    if (options.json) printJson(explanation);
    else print(explainText(explanation));
  });
}

const pageSize = 200;
/** How many calls are searched for a part of an id, the newest first. */
const searched = 50_000;
const shown = 10;

/** The newest calls first. */
export async function* newestCalls(
  store: Pick<Store, "calls">,
  filter: Omit<Parameters<Store["calls"]>[0], "limit" | "before"> = {},
): AsyncGenerator<TrackedCall> {
  for (let before: number | undefined; ; ) {
    const page = await store.calls({ ...filter, limit: pageSize, ...(before !== undefined && { before }) });
    yield* page;
    before = page.at(-1)?.id;
    if (page.length < pageSize) return;
  }
}

/** The key of the call that a user names by its key, or by a part of it or of a provider's id. Throws `Failure`. */
export async function findCall(store: Store, text: string): Promise<string> {
  if (await store.call(text)) return text;
  const matches: TrackedCall[] = [];
  let seen = 0;
  for await (const row of newestCalls(store)) {
    if (row.call.legs.includes(text) && row.state !== "merged") return row.call.key;
    // An older call may still have just this id.
    if (matches.length <= shown && [row.call.key, ...row.call.legs].some((id) => id.includes(text)))
      matches.push(row);
    if (++seen >= searched) break;
  }
  const [only, second] = matches;
  if (only && !second) return only.call.key;
  if (only) {
    throw new Failure(
      `More than one call has ${JSON.stringify(text)} in its id. Say more of it:\n${lines(matches)}`,
    );
  }
  const latest = await latestCalls(store, 5);
  const list =
    latest.length > 0
      ? `The latest ${counted(latest.length, "call")}:\n${lines(latest)}`
      : "There are none yet.";
  throw new Failure(`No call has ${JSON.stringify(text)} in its id. ${list}`);
}

async function latestCalls(store: Pick<Store, "calls">, limit: number): Promise<TrackedCall[]> {
  return store.calls({ limit });
}

function lines(rows: readonly TrackedCall[]): string {
  return callLines(rows)
    .map((line) => `  ${line}`)
    .join("\n");
}

/** One line per call: when, what, with whom, and its state. */
export function callLines(rows: readonly TrackedCall[]): string[] {
  return table(
    rows.map(({ call, state, decision, createdAt }) => [
      call.key,
      new Date(beganAt(call) ?? createdAt).toISOString().slice(0, 19).replace("T", " "),
      call.direction ?? "?",
      call.outcome ?? call.phase,
      decision?.contact?.name ?? call.customer?.number ?? "unknown caller",
      state,
    ]),
  );
}
