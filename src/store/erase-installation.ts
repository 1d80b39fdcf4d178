import { cleanLog } from "./clean-log.ts";
import type { InstallStore, KeptPlace } from "./contract-installs.ts";
import type { eraseStretch } from "./erase-stretch.ts";
import type { Write } from "./writing.ts";

/** `eraseInstallation` of the store. */
export function eraseInstallationWith(write: Write): InstallStore["eraseInstallation"] {
  return async (installation, { signal, onProgress } = {}) => {
    let rows = 0;
    for (let place: KeptPlace | undefined = { step: 0, after: [] }; place; ) {
      if (signal?.aborted) return false;
      const done: ReturnType<typeof eraseStretch> = await write("eraseStretch", installation, place);
      rows += done.rows;
      onProgress?.(rows);
      place = done.next;
    }
    await cleanLog(write);
    await write("eraseRest", installation);
    return true;
  };
}
