import { createTurns } from "../installations/grants.ts";
import { createSealer, SealError } from "../lib/seal.ts";
import type { Store } from "../store/contract.ts";
import { counted, Failure, type GlobalOptions, print, printJson, progressLine } from "./output.ts";
import { readConfig } from "./read-config.ts";
import { withStore } from "./with-parts.ts";

/** Seals all tokens with the first key of SWITCHHOOK_KEY; the other keys only open what they sealed. */
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
      // A running server may renew the tokens meanwhile: then those are sealed.
      await createTurns(install.name, store, Date.now)((claim) => rotate(store, install.name, claim));
    }
    progress.done();
    if (options.json)
      return printJson({ sealedAnew: old.map(({ name }) => name), installations: installs.length });
    const rest = "The older keys are not needed any more";
    print(`${counted(old.length, "installation")} resealed, of ${installs.length}. ${rest}.`);
  });

  async function rotate(store: Store, name: string, claim: number | undefined): Promise<void> {
    const install = await store.install(name);
    if (install?.sealed === undefined) return;
    const sealed = reseal(install.sealed, name);
    if (!(await store.saveInstall({ ...install, sealed }, claim)))
      throw new Failure(`Another process has changed ${name} meanwhile: run this again.`);
  }

  function reseal(sealed: string, name: string): string {
    try {
      return sealer.seal(sealer.open(sealed, name), name);
    } catch (cause) {
      if (!(cause instanceof SealError)) throw cause;
      throw new Failure(`The tokens of ${name} cannot be opened: ${cause.message}.`, { cause });
    }
  }
}
