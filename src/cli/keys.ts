import { createSealer, SealError } from "../lib/seal.ts";
import { counted, Failure, type GlobalOptions, print, printJson, progressLine } from "./output.ts";
import { readConfig } from "./read-config.ts";
import { withStore } from "./with-parts.ts";

/** Seals all tokens with the first key of SWITCHHOOK_KEY; the others, behind commas, only open what they have sealed. */
export async function rotateKeys(options: GlobalOptions): Promise<void> {
  const { sealingKeys } = readConfig(options).config;
  if (sealingKeys.length === 0)
    throw new Failure("There is no key: set SWITCHHOOK_KEY to the new key, a comma, and the old one.");
  const sealer = createSealer(sealingKeys);
  await withStore(options, async (store) => {
    const installs = await store.installs();
    const old = installs.filter(({ sealed }) => sealed !== undefined && !sealer.isCurrent(sealed));
    const progress = progressLine();
    for (const [i, install] of old.entries()) {
      progress.show(`${i} of ${counted(old.length, "installation")} ...`);
      await store.saveInstall({ ...install, sealed: reseal(install.sealed ?? "", install.name) });
    }
    progress.done();
    if (options.json)
      return printJson({ sealedAnew: old.map(({ name }) => name), installations: installs.length });
    const rest = "The older keys are not needed any more";
    print(`${counted(old.length, "installation")} sealed anew, of ${installs.length}. ${rest}.`);
  });

  function reseal(sealed: string, name: string): string {
    try {
      return sealer.seal(sealer.open(sealed, name), name);
    } catch (cause) {
      if (!(cause instanceof SealError)) throw cause;
      throw new Failure(`The tokens of ${name} cannot be opened: ${cause.message}.`, { cause });
    }
  }
}
