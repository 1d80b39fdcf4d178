import { hash } from "node:crypto";
import { once } from "node:events";
import { readdirSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openArchive } from "../../src/archive/index.ts";
import { openS3 } from "../../src/archive/s3.ts";
import { openSpool } from "../../src/archive/spool.ts";
import type { Archive } from "../../src/core/recording.ts";
import { testArchive } from "../contracts/archive.ts";
import { ask, audioOf, newFolder, play, toKeep } from "../support/archived.ts";
import { type S3Server, startS3 } from "../support/s3.ts";
import { waitFor } from "../support/server.ts";

testArchive("a bucket", async () => {
  const started = await startS3();
  const spoolFolder = newFolder();
  const settings = { s3: started.settings };
  return {
    archive: openArchive(settings, { spoolFolder }),
    settings,
    spoolFolder,
    // Settings of Amazon's own tools, which must not matter.
    environment: {
      AWS_ENDPOINT_URL: "http://127.0.0.1:9",
      AWS_ENDPOINT_URL_S3: "http://127.0.0.1:9",
      AWS_ACCESS_KEY_ID: "other",
      AWS_SECRET_ACCESS_KEY: "other",
      AWS_REGION: "mars-1",
      AWS_USE_FIPS_ENDPOINT: "true",
      AWS_REQUEST_CHECKSUM_CALCULATION: "WHEN_SUPPORTED",
      AWS_RETRY_MODE: "no-such-mode",
      AWS_MAX_ATTEMPTS: "none",
      HOME: spoolFolder,
    },
    left: () => [...started.keys(), ...readdirSync(spoolFolder)],
    stop: async () => {
      await started.stop();
      rmSync(spoolFolder, { recursive: true, force: true });
    },
  };
});

let s3: S3Server;
let spoolFolder: string;
let archive: Archive;
beforeEach(async () => {
  s3 = await startS3();
  spoolFolder = newFolder();
  archive = openWith({});
});
afterEach(async () => {
  await archive.close?.();
  await s3.stop();
  rmSync(spoolFolder, { recursive: true, force: true });
});

const openWith = (other: Partial<S3Server["settings"]>) =>
  openArchive({ s3: { ...s3.settings, ...other } }, { spoolFolder });
const impatient = { answerMs: 200, idleMs: 200 };
const openImpatient = () => openS3(s3.settings, openSpool(spoolFolder, { md5: true }), impatient);
const refusal = (retry: string, message: RegExp) => ({
  name: "ArchiveError",
  retry,
  message: expect.stringMatching(message),
});

describe("a bucket", () => {
  test("has recordings below the prefix, with what tells people about them", async () => {
    const prefixed = openWith({ prefix: "calls/2026" });
    const { place, sha256 } = await prefixed.keep(toKeep(audioOf(5_000)));
    expect([place, ...s3.keys()]).toEqual(Array(2).fill("calls/2026/acme/2026/11/k3x9"));
    expect(s3.requests.at(-1)?.headers).toMatchObject({
      "content-type": "audio/mpeg",
      "content-length": "5000",
      "content-disposition": 'inline; filename="k3x9.mp3"',
      "content-md5": expect.stringMatching(/^.{22}==$/),
      "x-amz-content-sha256": sha256,
      "x-amz-meta-sha256": sha256,
    });
    // A prefix that was changed later is for what comes later.
    expect((await play(archive, place)).status).toBe(200);
    await prefixed.close?.();
  });

  test("is asked for a range, and for no more", async () => {
    const { place } = await archive.keep(toKeep(audioOf(5_000)));
    await play(archive, place, { range: "bytes=1-2" });
    await play(archive, place, { range: "bytes=0-1,4-5" });
    expect(s3.requests.slice(-2).map(({ headers }) => headers.range)).toEqual(["bytes=1-2", undefined]);
  });

  test("that does not know the key refuses it for good, without telling it", async () => {
    const other = openWith({ accessKeyId: "AKIAWRONGKEY", secretAccessKey: "hush-hush" });
    for (const work of [() => other.keep(toKeep(audioOf(10))), () => play(other, "a"), () => other.ready()])
      await expect(work()).rejects.toMatchObject(refusal("never", /does not know the access key: check acc/));
    const said = await other
      .ready()
      .catch((error: Error) => `${error.message} ${JSON.stringify(error.cause)}`);
    expect(said).not.toMatch(/AKIAWRONGKEY|hush-hush/);
    await other.close?.();
  });

  test("refuses a wrong secret for good", async () => {
    const other = openWith({ secretAccessKey: "hush-hush" });
    const refused = refusal("never", /refuses the secret of the access key: check secretAccessKey/);
    await expect(other.keep(toKeep(audioOf(10)))).rejects.toMatchObject(refused);
    await expect(other.remove("a")).rejects.toMatchObject(refused);
    expect(readdirSync(spoolFolder)).toEqual([]);
    await other.close?.();
  });

  test("that is not there is said so, also to a listener", async () => {
    const other = openWith({ bucket: "no-such-bucket" });
    const refused = refusal("never", /127\.0\.0\.1:\d+ has no bucket no-such-bucket: create it/);
    await expect(other.keep(toKeep(audioOf(10)))).rejects.toMatchObject(refused);
    await expect(play(other, "a")).rejects.toMatchObject(refused);
    await other.close?.();
  });

  test.each([
    [403, "AccessDenied", "never", /may not do this in the bucket acme-recordings: allow it s3:PutObject/],
    [403, "RequestTimeTooSkewed", "later", /the clock of this machine is wrong .* set it, best by NTP/],
    [301, "PermanentRedirect", "never", /is in another region than the settings say/],
    [400, "AuthorizationHeaderMalformed", "never", /is in another region/],
    [400, "ExpiredToken", "never", /does not know the access key/],
    [400, "BadDigest", "later", /was damaged on its way/],
    [400, "RequestTimeout", "later", /is busy or out of order just now/],
    [503, "SlowDown", "later", /is busy/],
    [500, "InternalError", "later", /is busy/],
    [507, "XMinioStorageFull", "later", /is busy.*\(XMinioStorageFull, 507\)/],
    [400, "InvalidArgument", "never", /refuses what it was asked: does it speak S3/],
  ])("that answers %i %s is tried again %s", async (status, code, retry, message) => {
    s3.fail({ status, code });
    const refused = refusal(retry, message);
    await expect(archive.keep(toKeep(audioOf(10)))).rejects.toMatchObject(refused);
    await expect(play(archive, "a")).rejects.toMatchObject(refused);
    await expect(archive.remove("a")).rejects.toMatchObject(refused);
    await expect(archive.ready()).rejects.toMatchObject(refused);
    const said = await archive.ready().catch(({ message: text, cause }: Error) => `${text} ${String(cause)}`);
    expect(said).not.toContain("S3RVER");
    s3.fail(undefined);
    expect(s3.keys()).toEqual([]);
    expect(readdirSync(spoolFolder)).toEqual([]);
    await archive.ready();
  });

  test.each([
    [
      404,
      "<!doctype html><title>Not here</title><p>Not here",
      "never",
      /does it speak S3, and is the endpoint/,
    ],
    [502, "<html><body>Bad gateway", "later", /is busy/],
    [404, "", "never", /does it speak S3/],
  ])("that answers %i with the page %j is no S3", async (status, page, retry, message) => {
    s3.fail({ status, code: "", page });
    await expect(archive.keep(toKeep(audioOf(10)))).rejects.toMatchObject(refusal(retry, message));
    await expect(archive.ready()).rejects.toMatchObject(refusal(retry, message));
  });
});

describe("a request", () => {
  test("is retried when it has no body, a recording is left to whoever keeps it", async () => {
    const { place } = await archive.keep(toKeep(audioOf(10)));
    for (const [work, attempts] of [
      [() => play(archive, place), 3],
      [() => archive.remove(place), 3],
      [() => archive.keep(toKeep(audioOf(10))), 1],
    ] as const) {
      const before = s3.requests.length;
      s3.fail({ status: 503, code: "SlowDown" });
      await expect(work()).rejects.toMatchObject({ retry: "later" });
      expect(s3.requests.length - before).toBe(attempts);
    }
    s3.fail({ status: 403, code: "AccessDenied" });
    const before = s3.requests.length;
    await expect(play(archive, place)).rejects.toMatchObject({ retry: "never" });
    expect(s3.requests.length - before).toBe(1);
  });

  test("that is refused by its headers sends no body", async () => {
    let received = 0;
    const server = createServer();
    server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
      request.on("data", (chunk: Buffer) => {
        received += chunk.length;
      });
      response.writeHead(403).end("<Error><Code>AccessDenied</Code></Error>");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const strict = openWith({ endpoint: `http://127.0.0.1:${port}` });
    const keeping = strict.keep(toKeep(audioOf(900_000)));
    await expect(keeping).rejects.toMatchObject(refusal("never", /may not do this .*AccessDenied, 403/));
    expect(received).toBe(0);
    await strict.close?.();
    server.close();
  });

  test("ends in words when the spooled file cannot be read", async () => {
    const unreadable = { file: spoolFolder, bytes: 10, sha256: hash("sha256", ""), md5: "" };
    const broken = openS3(s3.settings, { take: async () => unreadable, ready: async () => {} });
    await expect(broken.keep(toKeep(audioOf(10)))).rejects.toMatchObject(refusal("later", /EISDIR/));
  });
});

describe("a network", () => {
  test("on which nobody listens makes a recording wait, and nothing is lost by asking again", async () => {
    const away = openWith({ endpoint: "http://127.0.0.1:9" });
    const refused = refusal(
      "later",
      /127\.0\.0\.1:9 cannot be reached \(ECONNREFUSED\): look at the network/,
    );
    await expect(away.keep(toKeep(audioOf(3_000_000), { maxBytes: 4_000_000 }))).rejects.toMatchObject(
      refused,
    );
    await expect(play(away, "a")).rejects.toMatchObject(refused);
    await expect(away.ready()).rejects.toMatchObject(refused);
    expect(readdirSync(spoolFolder)).toEqual([]);
    await away.close?.();
  });

  test("that is silent makes a recording wait", async () => {
    s3.fail("silent");
    const waiting = openImpatient();
    const refused = refusal("later", /did not answer within 0\.2 s/);
    await expect(waiting.keep(toKeep(audioOf(10)))).rejects.toMatchObject(refused);
    await expect(play(waiting, "a")).rejects.toMatchObject(refused);
    await expect(waiting.remove("a")).rejects.toMatchObject(refused);
    s3.fail("stuck");
    await expect(waiting.keep(toKeep(audioOf(900_000)))).rejects.toMatchObject(refused);
    expect(readdirSync(spoolFolder)).toEqual([]);
    await waiting.close?.();
  });

  test("is left when the work is stopped while the recording is on its way", async () => {
    s3.fail("silent");
    const stop = new AbortController();
    const keeping = archive.keep(toKeep(audioOf(900_000)), stop.signal);
    await waitFor("the upload", () => s3.requests.length > 0);
    stop.abort();
    await expect(keeping).rejects.toMatchObject(refusal("later", /was stopped/));
    expect(readdirSync(spoolFolder)).toEqual([]);
    await waitFor("the server to see it", () => s3.requests[0]?.destroyed);
  });

  test("is not kept busy by listeners who are paused", async () => {
    const { place } = await archive.keep(toKeep(Readable.from([audioOf(900_000)])));
    const paused = await Promise.all(Array.from({ length: 80 }, () => ask(archive, place)));
    expect((await play(archive, place, { range: "bytes=0-9" })).audio).toHaveLength(10);
    for (const { body } of paused) body.destroy();
  });
});

test("the folder that recordings wait in is cleared at the start", async () => {
  const file = join(spoolFolder, "left");
  const killed = openSpool(file);
  await killed.take({ name: "a", body: Readable.from([audioOf(10)]), maxBytes: 100 });
  expect(readdirSync(file)).toHaveLength(1);
  await openArchive({ s3: s3.settings }, { spoolFolder: file }).ready();
  expect(readdirSync(file)).toEqual([]);
});
