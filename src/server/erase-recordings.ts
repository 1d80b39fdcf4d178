import type { Archive } from "../core/archive.ts";
import type { Store } from "../store/contract.ts";

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
