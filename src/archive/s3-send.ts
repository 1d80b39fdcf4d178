import type { FileHandle } from "node:fs/promises";
import { basename } from "node:path";
import { Readable } from "node:stream";
import { diskError } from "./disk.ts";
import { endingOf } from "./names.ts";
import type { Patience } from "./patience.ts";
import type { S3Connection } from "./s3-client.ts";
import type { Spooled } from "./spool.ts";

/** One file for a bucket. `handle`: the spooled file, open. */
export type Parcel = { bucket: string; place: string; type: string; spooled: Spooled; handle: FileHandle };

/** Puts the file into the bucket; S3 refuses it when the bytes that come are not those of the hash. */
export async function send({ sdk, client }: S3Connection, parcel: Parcel, limit: Patience): Promise<void> {
  const { bucket, place, type, spooled, handle } = parcel;
  const body = Readable.from(chunksOf(handle, limit), { objectMode: false });
  const unreadable = new AbortController();
  // The SDK would wait for more.
  body.on("error", (error) => unreadable.abort(error));
  const command = new sdk.PutObjectCommand({
    Bucket: bucket,
    Key: place,
    Body: body,
    ContentLength: spooled.bytes,
    ContentType: type,
    ContentMD5: spooled.md5,
    // For people who download it from the bucket's page.
    ContentDisposition: `inline; filename="${basename(place)}${endingOf(type)}"`,
    Metadata: { sha256: spooled.sha256 },
  });
  command.middlewareStack.add(
    (next) => (args) => {
      // A part of the signature that every server checks, unlike the newer checksums; the SDK would leave the payload unsigned.
      if (hasHeaders(args.request)) args.request.headers["x-amz-content-sha256"] = spooled.sha256;
      return next(args);
    },
    { step: "build", name: "switchhookPayloadHash" },
  );
  try {
    await client.send(command, { abortSignal: AbortSignal.any([limit.signal, unreadable.signal]) });
  } catch (error) {
    throw unreadable.signal.aborted ? diskError(spooled.file, unreadable.signal.reason) : error;
  } finally {
    body.destroy();
  }
}

/** The file, told to the one who waits for each part that is taken. */
async function* chunksOf(handle: FileHandle, limit: Patience): AsyncGenerator<Uint8Array> {
  for await (const chunk of handle.createReadStream({ autoClose: false, start: 0 })) {
    limit.heard();
    yield chunk;
  }
}

function hasHeaders(request: unknown): request is { headers: Record<string, string> } {
  return typeof request === "object" && request !== null && "headers" in request;
}
