import { rm } from "node:fs/promises";
import type { Config } from "../config/index.ts";
import type { Archive } from "../core/recording.ts";
import type { Flow } from "../flow/installation.ts";
import { createErasure, type Erasure, erasedAt } from "../installations/erasure.ts";
import type { Store, StoredInstall } from "../store/contract.ts";
import { savedMapping } from "./connect.ts";

export type ErasingOptions = {
  config: Config;
  flow: Pick<Flow, "store" | "now" | "log">;
  /** Ends the work for an installation. */
  remove: (name: string) => Promise<void>;
  /** Erases the archived recordings of an installation; may be repeated. */
  archived?: (name: string) => Promise<void>;
};

export type Erasing = Erasure & {
  /** When a removed installation will be erased, as ISO; undefined for a connected one. */
  plannedAt(install: StoredInstall): string | undefined;
  /** The path of a mapping that was saved through the API. */
  savedMapping(name: string): string;
};

/** Erases removed installations that were made by OAuth: their rows, their saved mapping, their archived recordings. */
export function openErasing({ config, flow, remove, archived }: ErasingOptions): Erasing {
  const erasure = createErasure({
    ...flow,
    remove,
    removedDays: config.removedDays,
    quietMs: quietMs(config),
    async beforeErase(name) {
      await archived?.(name);
      const mapping = savedMapping(config, name);
      await flow.store.shared?.saveMapping(name, undefined);
      await rm(mapping, { force: true });
      config.mappings.forget(mapping);
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

/** The longest time that a request can be under way. */
export function quietMs({ limits }: Pick<Config, "limits">): number {
  return limits.bodySeconds * 1_000 + 1_000;
}

const atOnce = 100;

/** Erases the archived recordings of an installation; may be repeated. */
export function eraserOf(
  store: Pick<Store, "archivedRecordings" | "forgetRecording">,
  archive: Archive | undefined,
): (installation: string) => Promise<void> {
  return async (installation) => {
    for (let after = -1; ; ) {
      const rows = await store.archivedRecordings(installation, after, atOnce);
      const last = rows.at(-1);
      if (!last) return;
      if (!archive)
        throw new Error(
          `${installation} has recordings in an archive that is no longer in the configuration: add it again to erase them`,
        );
      for (const { call, place } of rows) {
        if (place !== undefined) await archive.remove(place);
        await store.forgetRecording(call);
      }
      after = last.call;
    }
  };
}
