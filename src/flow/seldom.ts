import type { Flow } from "./installation.ts";

const againMs = 5_000;
const saidAt = new WeakMap<Flow, Map<string, number>>();

/** Logs an error that may come with every request at most once in five seconds; `sentence` tells which one it is. */
export function logSeldom(flow: Flow, facts: object, sentence: string): void {
  const said = saidAt.get(flow) ?? new Map<string, number>();
  saidAt.set(flow, said);
  const before = said.get(sentence);
  if (before !== undefined && flow.now() - before < againMs) return;
  said.set(sentence, flow.now());
  flow.log.error(facts, sentence);
}
