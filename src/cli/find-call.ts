import { beganAt } from "../core/reached.ts";
import type { TrackedCall } from "../core/tracked-call.ts";
import type { Store } from "../store/contract.ts";
import { counted, Failure, table } from "./output.ts";

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

export async function latestCalls(store: Pick<Store, "calls">, limit: number): Promise<TrackedCall[]> {
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
