import { createHook } from "node:async_hooks";

/** What a process does when it turns to another machine, by Node's names of such work. */
const outward = new Set(["TCPCONNECTWRAP", "GETADDRINFOREQWRAP", "QUERYWRAP"]);

/** Counts the connections and look-ups of names of this process from now on, whoever makes them. */
export function watchNetwork() {
  const seen: string[] = [];
  const hook = createHook({ init: (_, type) => void (outward.has(type) && seen.push(type)) }).enable();
  return { seen: () => [...seen], stop: () => void hook.disable() };
}
