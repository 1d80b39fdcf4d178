import { z } from "zod";
import { type S3Settings, s3Settings } from "./s3-settings.ts";

/** `folder`: an absolute path by the time that it is opened. */
export type ArchiveSettings = { folder: string } | { s3: S3Settings };

/** The config file's `archive`: `{"folder": "recordings"}` or `{"s3": {…}}`. */
export const archiveSettings = z
  .strictObject({ folder: z.string().trim().min(1, "is empty").optional(), s3: s3Settings.optional() })
  .transform(({ folder, s3 }, context): ArchiveSettings => {
    if (folder !== undefined && s3 === undefined) return { folder };
    if (s3 !== undefined && folder === undefined) return { s3 };
    const message = "needs one place: either `folder` (a path) or `s3` (a bucket with its key)";
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  });
