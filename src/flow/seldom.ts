import type { Flow } from "./installation.ts";

const saidAt = new WeakMap<Flow, Map<string, number>>();

/** `about`: tells apart what one sentence is said of. */
type Seldom = { about?: string; againMs?: number; level?: "error" | "warn" };

/** Logs what may come with every request at most once in five seconds; `sentence` tells which one it is. */
export function logSeldom(flow: Flow, facts: object, sentence: string, seldom: Seldom = {}): void {
  const { about = "", againMs = 5_000, level = "error" } = seldom;
  const key = `${sentence} ${about}`;
  const said = saidAt.get(flow) ?? new Map<string, number>();
  saidAt.set(flow, said);
  const before = said.get(key);
  if (before !== undefined && flow.now() - before < againMs) return;
  said.set(key, flow.now());
  flow.log[level](facts, sentence);
}
