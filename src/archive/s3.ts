import { open, rm } from "node:fs/promises";
import { Readable } from "node:stream";
import type { GetObjectCommandOutput } from "@aws-sdk/client-s3";
import type { Archive, ArchivedAudio, AudioToKeep } from "../core/archive.ts";
import type { AudioReply, AudioRequest } from "../core/audio.ts";
import { ArchiveError } from "../core/errors.ts";
import { randomName } from "./disk.ts";
import { isPath, plainType, safePath } from "./names.ts";
import { type Patience, patience } from "./patience.ts";
import { askedRange, missingReply, quiet, unsatisfiableReply } from "./range.ts";
import { connectS3, type S3Connection } from "./s3-client.ts";
import { answerOf, type BucketName, s3Error } from "./s3-errors.ts";
import { send } from "./s3-send.ts";
import type { S3Settings } from "./s3-settings.ts";
import { type Spool, type Spooled, stopped } from "./spool.ts";

/** `answerMs`: until an answer begins. `idleMs`: how long S3 may take none of a recording that we send. */
export type S3Limits = { answerMs: number; idleMs: number };

const usualLimits: S3Limits = { answerMs: 30_000, idleMs: 60_000 };

/**
 * Recordings in a bucket of Amazon's S3, or of a server that speaks it. They wait in the spool until their length and hash
 * are known: S3 wants the length first, and refuses with the hash what was damaged on the way.
 */
export function openS3(settings: S3Settings, spool: Spool, limits: S3Limits = usualLimits): Archive {
  const { bucket, prefix, region, endpoint } = settings;
  const name: BucketName = { bucket, at: endpoint ? new URL(endpoint).host : `S3 in ${region}` };
  let connecting: Promise<S3Connection> | undefined;

  /** Asks with a limit, and says in words what went wrong. */
  const ask = async <T>(
    ms: number,
    signal: AbortSignal | undefined,
    question: (connection: S3Connection, limit: Patience) => Promise<T>,
  ): Promise<T> => {
    const limit = patience(ms, signal);
    try {
      connecting ??= connectS3(settings);
      return await question(await connecting, limit);
    } catch (error) {
      if (signal?.aborted) throw stopped(signal);
      if (limit.isOver()) throw silent(name, ms, error);
      throw s3Error(error, name);
    } finally {
      limit.end();
    }
  };

  const keep = async (audio: AudioToKeep, signal?: AbortSignal): Promise<ArchivedAudio> => {
    const type = plainType(audio.type);
    const spooled = await spool.take(audio, signal);
    const place = prefix ? `${prefix}/${audio.name}` : audio.name;
    try {
      await upload(spooled, place, type, signal);
    } finally {
      await rm(spooled.file, { force: true }).catch(() => undefined);
    }
    return { place, bytes: spooled.bytes, sha256: spooled.sha256, type };
  };

  const upload = async (
    spooled: Spooled,
    place: string,
    type: string,
    signal?: AbortSignal,
  ): Promise<void> => {
    const handle = await open(spooled.file);
    try {
      await ask(limits.idleMs, signal, (connection, limit) =>
        send(connection, { bucket, place, type, spooled, handle }, limit),
      );
    } finally {
      await handle.close();
    }
  };

  const get = (place: string, range: string | undefined, signal: AbortSignal): Promise<AudioReply> =>
    ask(limits.answerMs, signal, async ({ sdk, client }, { signal: abortSignal }) => {
      const asked = { Bucket: bucket, Key: place, ...(range !== undefined && { Range: range }) };
      try {
        return replyOf(await client.send(new sdk.GetObjectCommand(asked), { abortSignal }));
      } catch (error) {
        const { status, code } = answerOf(error) ?? {};
        if (status === 404 && code !== "NoSuchBucket") return missingReply();
        if (status === 416) return unsatisfiableReply(sizeIn(error));
        throw error;
      }
    });

  const play = async (place: string, { headers, signal }: AudioRequest): Promise<AudioReply> => {
    if (!isPath(place)) return missingReply();
    const range = askedRange(headers["range"]);
    const reply = await get(place, range, signal);
    const ifRange = headers["if-range"];
    // GetObject knows no If-Range: a part of something newer than the listener has is thrown away for the whole.
    const isNewer = ifRange !== undefined && (reply.status === 416 || reply.headers["etag"] !== ifRange);
    if (range === undefined || !isNewer || reply.status === 404) return reply;
    reply.body.destroy();
    return get(place, undefined, signal);
  };

  const remove = (place: string): Promise<void> =>
    ask(limits.answerMs, undefined, async ({ sdk, client }, { signal: abortSignal }) => {
      const command = new sdk.DeleteObjectCommand({ Bucket: bucket, Key: safePath(place) });
      await client.send(command, { abortSignal }).catch((error: unknown) => {
        if (answerOf(error)?.code !== "NoSuchKey") throw error;
      });
    });

  return {
    name: `the bucket ${bucket} at ${name.at}`,
    keep,
    open: play,
    remove,
    /** Does all that will be done, once. */
    async ready() {
      const body = Readable.from([Buffer.from("Switchhook looks whether it can keep recordings here.")]);
      const probe = {
        name: `probe-${randomName()}`,
        type: "application/octet-stream",
        body,
        maxBytes: 1_000,
      };
      const { place } = await keep(probe);
      const reply = await play(place, { headers: {}, signal: AbortSignal.timeout(limits.answerMs) });
      reply.body.destroy();
      await remove(place);
      if (reply.status !== 200) {
        throw new ArchiveError("later", `${name.at} does not give back what was just put into ${bucket}`);
      }
    },
    async close() {
      const connection = await connecting?.catch(() => undefined);
      connection?.client.destroy();
    },
  };
}

function replyOf(found: GetObjectCommandOutput): AudioReply {
  const { Body, ContentType, ContentLength, ContentRange, ETag, $metadata } = found;
  return {
    status: $metadata.httpStatusCode ?? 200,
    headers: {
      ...(ContentType !== undefined && { "content-type": ContentType }),
      ...(ContentLength !== undefined && { "content-length": String(ContentLength) }),
      ...(ContentRange !== undefined && { "content-range": ContentRange }),
      ...(ETag !== undefined && { etag: ETag }),
      "accept-ranges": "bytes",
    },
    body: Body instanceof Readable ? quiet(Body) : Readable.from([]),
  };
}

/** S3 says in the body of its 416 how large the object is. */
function sizeIn(error: unknown): number | undefined {
  const size =
    error instanceof Error && "ActualObjectSize" in error ? Number(error.ActualObjectSize) : Number.NaN;
  return Number.isSafeInteger(size) ? size : undefined;
}

function silent({ at }: BucketName, ms: number, cause: unknown): ArchiveError {
  return new ArchiveError("later", `${at} did not answer within ${ms / 1000} s: look at the network`, {
    cause,
  });
}
