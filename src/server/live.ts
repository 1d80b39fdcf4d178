import { EventEmitter } from "node:events";
import type { LiveCall } from "../core/runtime.ts";

export type LiveFeed = ReturnType<typeof createLive>;

/** Passes on calls as they change to those who watch. */
export function createLive() {
  const emitter = new EventEmitter().setMaxListeners(0);
  return {
    hasListeners: (): boolean => emitter.listenerCount("call") > 0,
    /** Returns how to stop listening. */
    listen(listener: (call: LiveCall) => void): () => void {
      emitter.on("call", listener);
      return () => emitter.off("call", listener);
    },
    publish(calls: readonly LiveCall[]): void {
      for (const call of calls) emitter.emit("call", call);
    },
  };
}
