import { z } from "zod";
import { isPath } from "./names.ts";

const bucketPattern = /^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/i;

/**
 * `endpoint`: of a server that speaks S3 and is not Amazon's. `prefix`: before every key. `forcePathStyle`: the bucket in the
 * path instead of in the host name; so with an endpoint, unless it says otherwise.
 */
export const s3Settings = z.strictObject({
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

function isBare({ username, password, search, hash }: URL): boolean {
  return `${username}${password}${search}${hash}` === "";
}
