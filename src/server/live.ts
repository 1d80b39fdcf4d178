import { EventEmitter } from "node:events";
import type { CallState } from "../core/tracked-call.ts";
import type { Store } from "../store/contract.ts";

/** A call that has just changed, for whoever watches. */
export type LiveCall = {
  key: string;
  installation: string;
  state: CallState;
  phase?: string;
  revision: number;
};

/** Tells listeners about calls as they change: a store that speaks while it saves. */
export function createLive() {
  const emitter = new EventEmitter().setMaxListeners(0);
  const tell = (call: LiveCall): void => {
    emitter.emit("call", call);
  };

  return {
    /** Returns how to stop listening. */
    listen(listener: (call: LiveCall) => void): () => void {
      emitter.on("call", listener);
      return () => emitter.off("call", listener);
    },

    over(store: Store): Store {
      return {
        ...store,
        async saveDecoded(installation, deliveries, calls, line) {
          await store.saveDecoded(installation, deliveries, calls, line);
          if (emitter.listenerCount("call") === 0) return;
          for (const { call, state } of calls) {
            tell({ key: call.key, installation, state, phase: call.phase, revision: call.revision });
          }
        },
        async saveDelivered(calls) {
          await store.saveDelivered(calls);
          if (emitter.listenerCount("call") === 0) return;
          for (const { key, installation, state, revision } of calls)
            tell({ key, installation, state, revision });
        },
      };
    },
  };
}
