import { rm } from "node:fs/promises";
import type { Config } from "../config/index.ts";
import type { Archive } from "../core/archive.ts";
import type { Flow } from "../flow/installation.ts";
import { createErasure, type Erasure, erasedAt } from "../installations/erasure.ts";
import type { Store, StoredInstall } from "../store/contract.ts";
import { savedMapping } from "./connect.ts";

/** `dismiss`: ends the work for an installation. `archived`: erases what is archived of it, and may be asked again. */
export type ErasingOptions = {
  config: Config;
  flow: Pick<Flow, "store" | "now" | "log">;
  dismiss: (name: string) => Promise<void>;
  archived?: (name: string) => Promise<void>;
};

export type Erasing = Erasure & {
  /** When one that left is erased, as ISO; undefined for one that is at work. */
  plannedAt(install: StoredInstall): string | undefined;
  /** Where the mapping of an installation stands when one was saved through the API. */
  savedMapping(name: string): string;
};

/** The end of installations that were made by OAuth: their rows, their saved mapping, their archive. */
export function openErasing({ config, flow, dismiss, archived }: ErasingOptions): Erasing {
  const erasure = createErasure({
    ...flow,
    dismiss,
    removedDays: config.removedDays,
    quietMs: quietMs(config),
    async beforeErase(name) {
      await archived?.(name);
      await rm(savedMapping(config, name), { force: true });
    },
  });
  return {
    ...erasure,
    plannedAt(install) {
      const at = erasedAt(install, config.removedDays);
      return at === undefined ? undefined : new Date(at).toISOString();
    },
    savedMapping: (name) => savedMapping(config, name),
  };
}

/** How long a request can be under way. */
export function quietMs({ limits }: Pick<Config, "limits">): number {
  return limits.bodySeconds * 1_000 + 1_000;
}

const atOnce = 100;

/** Erases what is archived of an installation; what is gone already is fine, so it may be asked again. */
export function eraserOf(
  store: Pick<Store, "keptRecordings" | "forgetRecording">,
  archive: Archive | undefined,
): (installation: string) => Promise<void> {
  return async (installation) => {
    for (let after = -1; ; ) {
      const rows = await store.keptRecordings(installation, after, atOnce);
      const last = rows.at(-1);
      if (!last) return;
      if (!archive)
        throw new Error(
          `${installation} has recordings in an archive that is not in the configuration any more: add it again, and they are erased`,
        );
      for (const { call, place } of rows) {
        if (place !== undefined) await archive.remove(place);
        await store.forgetRecording(call);
      }
      after = last.call;
    }
  };
}
