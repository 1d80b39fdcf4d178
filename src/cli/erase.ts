import type { Parts } from "../server/assemble.ts";
import { quietMs } from "../server/erasing.ts";
import type { StoredInstall } from "../store/contract.ts";
import { mustHaveStore } from "./data-folder.ts";
import {
  commandLine,
  counted,
  Failure,
  type GlobalOptions,
  print,
  printJson,
  progressLine,
} from "./output.ts";
import { readConfig } from "./read-config.ts";
import { unknownInstallation, withParts } from "./with-parts.ts";

export type EraseFlags = GlobalOptions & { yes?: boolean };

/** Erases a removed installation without waiting for the end of its grace period. */
export async function erase(name: string, options: EraseFlags): Promise<void> {
  mustHaveStore(readConfig(options).config);
  await withParts(options, async (parts) => {
    const install = await findRemoved(parts, name);
    if (!options.yes)
      throw new Failure(
        `Erasing ${name} cannot be undone. Export it first (${commandLine(`export ${name} --file ${name}.ndjson`)}), then say --yes.`,
      );
    refuseWhileRequestsEnd(parts, install);
    const progress = progressLine();
    let rows = 0;
    const done = await parts.erasing.erase(install, (erased) => {
      rows = erased;
      progress.show(`${name}: ${counted(erased, "row")} ...`);
    });
    progress.done();
    if (!done)
      throw new Failure(
        `${name} was not erased: it is being connected again, or was. Look at it, then run this again.`,
      );
    if (options.json) return printJson({ erased: name, rows });
    print(`${name} is erased (${counted(rows, "row")}). What was logged stays in the CRM.`);
  });
}

/** Throws `Failure`. */
async function findRemoved({ flow, installations }: Parts, name: string): Promise<StoredInstall> {
  const installs = await flow.store.installs();
  const install = installs.find((one) => one.name === name);
  if (install?.state === "removed" || install?.state === "erasing") return install;
  if (install)
    throw new Failure(
      `The installation ${name} is not removed (it is ${install.state}): disconnect it first, with DELETE /api/installations/${name}.`,
    );
  if (installations.has(name))
    throw new Failure(
      `The installation ${name} is in the config file and at work: only one that was connected by OAuth can be erased, once it is disconnected.`,
    );
  throw new Failure(
    unknownInstallation(
      name,
      installs.map((one) => one.name),
    ),
  );
}

/** A server may still be receiving requests that were sent before. */
function refuseWhileRequestsEnd({ config, flow }: Parts, { name, state, leftAt = 0 }: StoredInstall): void {
  const ms = leftAt + quietMs(config) - flow.now();
  if (state !== "removed" || ms <= 0) return;
  throw new Failure(
    `${name} was disconnected just now, and the last requests for it may be under way: run this again in ${Math.ceil(ms / 1_000)} seconds.`,
  );
}
