import { hash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import S3rver from "s3rver";
import { isSignedWith } from "./s3-signature.ts";
import { waitFor } from "./server.ts";

/** How the server fails from now on: with an answer of S3's, by never answering, or by not even taking a body. */
export type S3Fault = S3Refusal | "silent" | "stuck";
export type S3Refusal = { status: number; code: string; more?: string; page?: string };

export type S3Server = Awaited<ReturnType<typeof startS3>>;

const bucket = "acme-recordings";
/** s3rver knows this one key. */
const key = { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" };
/** What Backblaze's servers refuse: https://github.com/iterate-ch/cyberduck/issues/16107, July 2024. */
const newerHeaders = /^x-amz-(checksum|sdk-checksum|trailer)/;

/**
 * s3rver on loopback, and what it lacks: it refuses wrong signatures, damaged bodies and the headers that others refuse,
 * serves the end of a file, and answers to a PUT when the file is written.
 */
export async function startS3() {
  const directory = mkdtempSync(join(tmpdir(), "switchhook-s3-"));
  const app = new S3rver({
    directory,
    silent: true,
    vhostBuckets: false,
    configureBuckets: [{ name: bucket }],
  });
  await app.configureBuckets();
  storeWhole(app.store);
  playFirstByte(app.store);
  const answer = app.callback();
  const requests: IncomingMessage[] = [];
  let fault: S3Fault | undefined;
  const server = createServer((request, response) => {
    requests.push(request);
    if (fault === "stuck") return;
    if (fault === "silent") return void request.resume();
    const refusal = fault ?? faultOf(request) ?? mendRange(request, app.store);
    if (refusal) return refuse(request, response, refusal);
    answer(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  return {
    settings: { bucket, region: "eu-west-1", endpoint: `http://127.0.0.1:${port}`, prefix: "", ...key },
    requests,
    fail: (next: S3Fault | undefined) => {
      fault = next;
    },
    /** The keys of all that is in the bucket. */
    keys: () =>
      readdirSync(join(directory, bucket), { recursive: true, encoding: "utf8" })
        .filter((file) => file.endsWith("_object"))
        .map((file) => file.replace(/\._S3rver_object$/, "")),
    async stop(): Promise<void> {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function faultOf(request: IncomingMessage): S3Refusal | undefined {
  const refused = Object.keys(request.headers).find((name) => newerHeaders.test(name));
  if (refused) return { status: 400, code: "InvalidArgument" };
  const isOurs = request.headers.authorization?.includes(`Credential=${key.accessKeyId}/`);
  if (isOurs && !isSignedWith(key.secretAccessKey, request)) {
    return { status: 403, code: "SignatureDoesNotMatch" };
  }
  return undefined;
}

/** s3rver takes the end of a file for its beginning, and promises a byte of an empty one. */
function mendRange(request: IncomingMessage, store: S3rver["store"]): S3Refusal | undefined {
  const { range } = request.headers;
  const path = (request.url ?? "").replace(/^\/|\?.*$/g, "");
  const found = range && statSync(store.getResourcePath("", path, "object"), { throwIfNoEntry: false });
  if (!found) return undefined;
  const suffix = /^bytes=-(\d+)$/.exec(range)?.[1];
  if (suffix) request.headers.range = `bytes=${Math.max(0, found.size - Number(suffix))}-`;
  const more = "<ActualObjectSize>0</ActualObjectSize>";
  return found.size === 0 ? { status: 416, code: "InvalidRange", more } : undefined;
}

function sizeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.size;
}

/** s3rver takes an end of 0 for none. */
function playFirstByte(store: S3rver["store"]): void {
  const getObject = store.getObject.bind(store);
  store.getObject = (from, name, { start, end }) =>
    getObject(from, name, {
      ...(start !== undefined && { start }),
      ...(end !== undefined && { end: String(end) }),
    });
}

function refuse(request: IncomingMessage, response: ServerResponse, fault: S3Refusal): void {
  request.resume();
  response.writeHead(fault.status, { "content-type": "application/xml" });
  const said = `<Message>said by S3</Message><AWSAccessKeyId>${key.accessKeyId}</AWSAccessKeyId>`;
  response.end(fault.page ?? `<Error><Code>${fault.code}</Code>${said}${fault.more ?? ""}</Error>`);
}

/** As S3 does: an object is there as a whole or not at all, and only when its hashes are right. */
function storeWhole(store: S3rver["store"]): void {
  const putObject = store.putObject.bind(store);
  let turn: Promise<unknown> = Promise.resolve();
  store.putObject = async (object) => {
    if (Buffer.isBuffer(object.content)) return putObject(object);
    const { headers } = object.content;
    const content = await buffer(object.content);
    const isRight =
      headers["x-amz-content-sha256"] === hash("sha256", content) &&
      headers["content-md5"] === hash("md5", content, "base64");
    if (!isRight) throw new Error("the body is not the one that was signed");
    const done = turn.then(async () => {
      object.content = content;
      const stored = await putObject(object);
      const file = store.getResourcePath(object.bucket, object.key, "object");
      await waitFor(`${object.key} to be written`, () => sizeOf(file) === content.length);
      return stored;
    });
    turn = done.catch(() => undefined);
    return done;
  };
}
