import { z } from "zod";
import { isPath } from "./names.ts";

const bucketPattern = /^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/i;

/**
 * `endpoint`: of a server that speaks S3 and is not Amazon's. `prefix`: put before every key. `forcePathStyle`: whether the
 * bucket is in the path instead of the host name; by default only with an endpoint.
 */
const s3Settings = z.strictObject({
  bucket: z.string().regex(bucketPattern, 'is not the name of a bucket, such as "acme-recordings"'),
  region: z
    .string()
    .regex(/^[a-z0-9-]{1,40}$/i, 'is not a region such as "eu-west-1" (or "auto" where there is none)'),
  endpoint: z
    .url({ protocol: /^https?$/ })
    .refine(
      (url) => URL.canParse(url) && isBare(new URL(url)),
      "has a user, a password or a query: leave them out",
    )
    .optional(),
  prefix: z
    .string()
    .transform((prefix) => prefix.replace(/\/+$/, ""))
    .refine((prefix) => prefix === "" || (isPath(prefix) && prefix.length <= 200), {
      error: 'is not a prefix such as "recordings": letters, digits, "_", "-", "." and "/" only',
    })
    .default(""),
  accessKeyId: z.string().min(1, "is empty"),
  secretAccessKey: z.string().min(1, "is empty"),
  forcePathStyle: z.boolean().optional(),
});

export type S3Settings = z.output<typeof s3Settings>;

/** `folder`: absolute once the config is loaded. `shared`: all instances mount it. */
export type ArchiveSettings = { folder: string; shared?: boolean | undefined } | { s3: S3Settings };

/** The config file's `archive`: `{"folder": "recordings"}` or `{"s3": {…}}`. */
export const archiveSettings = z
  .strictObject({
    folder: z.string().trim().min(1, "is empty").optional(),
    shared: z.boolean().optional(),
    s3: s3Settings.optional(),
  })
  .transform(({ folder, shared, s3 }, context): ArchiveSettings => {
    if (folder !== undefined && s3 === undefined) return { folder, ...(shared !== undefined && { shared }) };
    if (s3 !== undefined && folder === undefined) return { s3 };
    const message = "needs one place: either `folder` (a path) or `s3` (a bucket with its key)";
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  });

function isBare({ username, password, search, hash }: URL): boolean {
  return `${username}${password}${search}${hash}` === "";
}
