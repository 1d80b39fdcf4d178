import { open, rm } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { basename } from "node:path";
import { Readable } from "node:stream";
import { ArchiveError } from "../core/errors.ts";
import type { Archive, ArchivedAudio, AudioReply, AudioRequest, AudioToKeep } from "../core/recording.ts";
import { missingReply, quiet, singleRange, unsatisfiableReply } from "../lib/http.ts";
import { diskError, randomName } from "./disk.ts";
import { endingOf, isPath, plainType, safePath } from "./names.ts";
import { createDeadline, createS3Client, type Deadline } from "./s3-client.ts";
import { type BucketName, S3Refusal, s3Error } from "./s3-errors.ts";
import type { S3Settings } from "./settings.ts";
import { type Spool, type Spooled, stopped } from "./spool.ts";

export type S3Limits = {
  /** Until a response begins. */
  answerMs: number;
  /** How long an upload may make no progress. */
  idleMs: number;
};

const usualLimits: S3Limits = { answerMs: 30_000, idleMs: 60_000 };

/**
 * Recordings in a bucket of Amazon S3, or of a server with its API. They wait in the spool until their length and hash are
 * known: S3 needs the length before the body, and refuses a body that does not match the hash.
 */
export function openS3(settings: S3Settings, spool: Spool, limits: S3Limits = usualLimits): Archive {
  const { bucket, prefix, region, endpoint } = settings;
  const name: BucketName = { bucket, at: endpoint ? new URL(endpoint).host : `S3 in ${region}` };
  const client = createS3Client(settings);

  /** Works with a deadline; every error becomes an `ArchiveError`. */
  const within = async <T>(
    ms: number,
    signal: AbortSignal | undefined,
    work: (deadline: Deadline) => Promise<T>,
  ): Promise<T> => {
    const deadline = createDeadline(ms, signal);
    try {
      return await work(deadline);
    } catch (error) {
      if (signal?.aborted) throw stopped(signal);
      if (deadline.hasPassed()) throw silent(name, ms, error);
      throw s3Error(error, name);
    } finally {
      deadline.clear();
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
    { file, bytes, sha256, md5 = "" }: Spooled,
    place: string,
    type: string,
    signal?: AbortSignal,
  ): Promise<void> => {
    const handle = await open(file);
    const headers = {
      "content-length": String(bytes),
      "content-type": type,
      "content-md5": md5,
      // The name of a download from the bucket's page.
      "content-disposition": `inline; filename="${basename(place)}${endingOf(type)}"`,
      "x-amz-meta-sha256": sha256,
      // Part of the signature, so every server checks it, unlike the newer checksums.
      "x-amz-content-sha256": sha256,
    };
    try {
      await within(limits.idleMs, signal, async (deadline) => {
        const source = handle.createReadStream({ autoClose: false, start: 0 });
        const body = Readable.from(extending(deadline, source), { objectMode: false });
        try {
          const response = await client.send({
            method: "PUT",
            place,
            headers,
            body,
            signal: deadline.signal,
          });
          response.resume();
        } catch (error) {
          throw source.errored ? diskError(file, source.errored) : error;
        } finally {
          body.destroy();
        }
      });
    } finally {
      await handle.close();
    }
  };

  const get = (place: string, range: string | undefined, outer: AbortSignal): Promise<AudioReply> =>
    within(limits.answerMs, outer, async ({ signal }) => {
      const headers: Record<string, string> = range === undefined ? {} : { range };
      try {
        return replyOf(await client.send({ method: "GET", place, headers, signal }));
      } catch (error) {
        if (!(error instanceof S3Refusal)) throw error;
        if (error.status === 404 && error.code !== "NoSuchBucket") return missingReply();
        if (error.status === 416) return unsatisfiableReply(error.size);
        throw error;
      }
    });

  const play = async (place: string, { headers, signal }: AudioRequest): Promise<AudioReply> => {
    if (!isPath(place)) return missingReply();
    const range = singleRange(headers["range"]);
    const reply = await get(place, range, signal);
    const ifRange = headers["if-range"];
    // GetObject ignores If-Range: when the object is newer than what the listener has, the part is replaced by the whole.
    const isNewer = ifRange !== undefined && (reply.status === 416 || reply.headers["etag"] !== ifRange);
    if (range === undefined || !isNewer || reply.status === 404) return reply;
    reply.body.destroy();
    return get(place, undefined, signal);
  };

  const remove = (place: string): Promise<void> =>
    within(limits.answerMs, undefined, async ({ signal }) => {
      try {
        const response = await client.send({ method: "DELETE", place: safePath(place), signal });
        response.resume();
      } catch (error) {
        if (!(error instanceof S3Refusal && error.code === "NoSuchKey")) throw error;
      }
    });

  return {
    name: `the bucket ${bucket} at ${name.at}`,
    keep,
    open: play,
    remove,
    /** Uploads, reads and deletes a probe. */
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
      client.close();
    },
  };
}

/** The file, extending the deadline with each part that is taken. */
async function* extending(deadline: Deadline, source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    deadline.extend();
    yield chunk;
  }
}

const passedHeaders = ["content-type", "content-length", "content-range", "etag"] as const;

function replyOf(response: IncomingMessage): AudioReply {
  const headers = Object.fromEntries(
    passedHeaders.flatMap((name) => {
      const value = response.headers[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
  const status = response.statusCode ?? 200;
  return { status, headers: { ...headers, "accept-ranges": "bytes" }, body: quiet(response) };
}

function silent({ at }: BucketName, ms: number, cause: unknown): ArchiveError {
  return new ArchiveError("later", `${at} did not answer within ${ms / 1000} s: look at the network`, {
    cause,
  });
}
