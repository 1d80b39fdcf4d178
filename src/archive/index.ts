import type { Archive } from "../core/recording.ts";
import { openFolder } from "./folder.ts";
import { openS3 } from "./s3.ts";
import type { ArchiveSettings } from "./settings.ts";
import { openSpool } from "./spool.ts";

/** `spoolFolder`: used by this process only; holds recordings until they are uploaded to a bucket. */
export function openArchive(
  settings: ArchiveSettings,
  { spoolFolder, now = Date.now }: { spoolFolder: string; now?: () => number },
): Archive {
  return "folder" in settings
    ? openFolder(settings.folder, now)
    : openS3(settings.s3, openSpool(spoolFolder, { md5: true, now }));
}
