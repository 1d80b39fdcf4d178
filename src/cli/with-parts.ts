import type { Config } from "../config/index.ts";
import type { Installation } from "../flow/installation.ts";
import { didYouMean } from "../mapping/nearest.ts";
import { assemble, type Parts } from "../server/assemble.ts";
import { openStore } from "../server/open-store.ts";
import type { Store } from "../store/contract.ts";
import { mustHaveStore, refuseLostStore } from "./data-folder.ts";
import { createLog } from "./log.ts";
import { Failure, type GlobalOptions } from "./output.ts";
import { readConfig } from "./read-config.ts";

/** Works with the parts of a server without starting it, and closes them. Only warnings are logged, to stderr. */
export async function withParts<T>(options: GlobalOptions, work: (parts: Parts) => Promise<T>): Promise<T> {
  const { config } = readConfig(options);
  refuseLostStore(config);
  const { log, flush } = createLog("warn", process.stderr);
  const parts = assemble(config, { log });
  try {
    await parts.accounts.load();
    return await work(parts);
  } finally {
    await parts.stop();
    flush();
  }
}

/** Works with what a server has stored. */
export async function withStore<T>(
  options: GlobalOptions,
  work: (store: Store, config: Config) => Promise<T>,
): Promise<T> {
  const { config } = readConfig(options);
  mustHaveStore(config);
  const store = openStore(config);
  try {
    return await work(store, config);
  } finally {
    await store.close();
  }
}

/** The installation of this name, or all of them without one. Throws `Failure`. */
export function chosenInstallations(parts: Parts, name: string | undefined): Installation[] {
  if (name === undefined) return [...parts.installations.values()];
  const found = parts.installations.get(name);
  if (found) return [found];
  throw new Failure(unknownInstallation(name, [...parts.installations.keys()]));
}

export function unknownInstallation(name: string, known: readonly string[]): string {
  const hint = didYouMean(name, known) ?? `There is: ${known.join(", ") || "none"}.`;
  return `There is no installation ${JSON.stringify(name)} in the configuration. ${hint}`;
}
