import { setTimeout } from "node:timers/promises";
import type { Config } from "../config/index.ts";
import { messageOf } from "../core/errors.ts";
import { decodeNew, settleLine } from "../flow/calls/decode.ts";
import { deliverDue } from "../flow/calls/deliver.ts";
import type { Installation } from "../flow/installation.ts";
import { didYouMean } from "../mapping/nearest.ts";
import { assemble, type Parts } from "../server/assemble.ts";
import { openStore } from "../server/open-store.ts";
import type { Store } from "../store/contract.ts";
import { claimDataFolder, mustHaveStore, refuseLostStore } from "./data-folder.ts";
import { createLog } from "./log.ts";
import { Failure, type GlobalOptions, print, progressLine } from "./output.ts";
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

/** `server`: a running server does the work. `here`: it is done, except for what the CRMs refused for now. */
export type Worked = { by: "server" | "here"; problems: { installation: string; reason: string }[] };

const deliveriesAtOnce = 32;

/** Does the work that is due, unless a server is running, which notices it within a second. */
export async function workOff(parts: Parts): Promise<Worked> {
  // Instances on PostgreSQL look for it every second.
  if (parts.config.databaseUrl) return { by: "server", problems: [] };
  const release = claimDataFolder(parts.config.dataFolder);
  if (!release) return { by: "server", problems: [] };
  const worked: Worked = { by: "here", problems: [] };
  try {
    for (const [installation, running] of parts.installations) {
      const reason = await workOn(parts, running);
      if (reason !== undefined) worked.problems.push({ installation, reason });
    }
    return worked;
  } finally {
    release();
  }
}

/** Returns why it could not finish when the CRM is unavailable. */
async function workOn(parts: Parts, installation: Installation): Promise<string | undefined> {
  const { flow, providers } = parts;
  const { settings } = installation;
  const progress = progressLine();
  let done = 0;
  try {
    await decodeAll(parts, installation);
    // Just ended calls wait this long for late facts; a pause that a CRM asked for is not waited for.
    const patience = flow.now() + settings.settleSeconds * 1_000 + 1_000;
    for (;;) {
      for (let taken = 1; taken > 0; done += taken) {
        taken = await deliverDue(flow, installation);
        progress.show(`${settings.name}: ${done + taken} calls logged ...`);
      }
      const due = await flow.store.nextDue(settings.name);
      if (due === undefined || due > patience) return undefined;
      await setTimeout(Math.max(10, due - flow.now()));
      await decodeNew(flow, installation, providers, deliveriesAtOnce);
    }
  } catch (error) {
    return messageOf(error);
  } finally {
    progress.done();
  }
}

async function decodeAll({ flow, providers }: Parts, installation: Installation): Promise<void> {
  while ((await decodeNew(flow, installation, providers, deliveriesAtOnce)).taken > 0);
  while (await settleLine(flow, installation));
}

export function sayWhoWorks({ by, problems }: Worked): void {
  if (by === "server") print("The running server does it from here, beginning within a second.");
  else if (problems.length === 0) print("No server is running, so it was done right now.");
  for (const { installation, reason } of problems) {
    print(`${installation}: not finished, ${reason}. The server tries again when it runs.`);
  }
}
