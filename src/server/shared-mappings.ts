import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Config } from "../config/index.ts";
import type { SharedStore } from "../store/contract.ts";
import { type MappingInUse, savedMapping } from "./connect.ts";

type SharedMappings = {
  config: Config;
  shared: SharedStore;
  mappings: ReadonlyMap<string, MappingInUse>;
};

/**
 * Mappings that were saved through the API, where several instances share the store: the store has the newest, and the data
 * folder of each instance a copy, which is used.
 */
export function followMappings({ config, shared, mappings }: SharedMappings) {
  const copy = async (installation: string, text: string | undefined): Promise<void> => {
    const path = savedMapping(config, installation);
    const before = await readFile(path, "utf8").catch(() => undefined);
    if (before === text) return;
    if (text === undefined) await rm(path, { force: true });
    else {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      const draft = `${path}.${process.pid}.tmp`;
      await writeFile(draft, text, { mode: 0o600 });
      await rename(draft, path);
    }
    mappings.get(installation)?.reopen();
  };

  return {
    /** Before the installations are used. */
    async load(): Promise<void> {
      for (const { installation, text } of await shared.mappings()) await copy(installation, text);
    },
    /** Another instance may have saved it. */
    follow: async (installation: string): Promise<void> =>
      copy(installation, await shared.mapping(installation)),
  };
}
