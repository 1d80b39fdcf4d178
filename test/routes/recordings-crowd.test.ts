import { get, type IncomingMessage } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { AudioLimits } from "../../src/routes/audio.ts";
import { recordedCall, servedWith, startRecordingServer } from "../support/recorded.ts";
import type { TestServer } from "../support/server.ts";
import { fileServer, startUpstream, type Upstream } from "../support/upstream.ts";

/** More than all buffers between us and a listener that does not read. */
const long = fileServer(Buffer.alloc(30_000_000));
const short = fileServer(Buffer.from("audio"));
let upstream: Upstream;
let server: TestServer;
const paths: string[] = [];
const crowd: IncomingMessage[] = [];
const said: string[] = [];
const disconnected = () => said.filter((sentence) => sentence.includes("to make room")).length;

beforeAll(async () => {
  upstream = await startUpstream((request, response) =>
    (request.url?.includes("short") ? short : long)(request, response),
  );
  server = await startRecordingServer(upstream, { log: { info: (_, sentence) => void said.push(sentence) } });
  for (const name of ["long-1", "long-2", "short"])
    paths.push((await recordedCall(server, "exotel", `${upstream.url}/${name}.mp3`)).path);
});
afterEach(() => {
  for (const response of crowd.splice(0)) response.destroy();
  said.length = 0;
});
afterAll(async () => {
  await server.stop();
  await upstream.stop();
});

const [one, two, other] = [0, 1, 2];
const served = (limits: Partial<AudioLimits>, work: (url: (index: number) => string) => Promise<void>) =>
  servedWith(server.parts, limits, (url) => work((index) => `${url}${paths[index]}`));

/** Opens a recording, and reads nothing of it. */
async function stall(url: string): Promise<IncomingMessage> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { agent: false }, resolve).on("error", reject);
  });
  response.on("error", () => {});
  crowd.push(response);
  return response;
}
const statusesOf = (answers: readonly IncomingMessage[]) =>
  Object.entries(Object.groupBy(answers, ({ statusCode = 0 }) => statusCode)).map(
    ([status, those = []]) => `${status}: ${those.length}`,
  );
const plays = async (url: string) => (await fetch(url)).status === 200;

test("one link that is opened 200 times by listeners that do not read leaves room for the other links", async () => {
  await served({}, async (url) => {
    const answers = await Promise.all(Array.from({ length: 200 }, () => stall(url(one))));
    expect(statusesOf(answers)).toEqual(["200: 50", "429: 150"]);
    const refused = answers.find(({ statusCode }) => statusCode === 429);
    expect(Number(refused?.headers["retry-after"])).toBeGreaterThan(0);
    expect((await refused?.toArray())?.join("")).toContain("50 listeners are playing this recording already");
    expect(await (await fetch(url(other))).text()).toBe("audio");
  });
});

test("listeners that do not read are disconnected when all places are taken, one for each that comes", async () => {
  await served({ listeners: 6, stalledMs: 1_500 }, async (url) => {
    for (const link of [one, one, one, one, two, two]) await stall(url(link));
    const early = await fetch(url(other));
    expect([early.status, early.headers.get("retry-after")]).toEqual([503, "10"]);
    await expect.poll(() => plays(url(other)), { timeout: 10_000 }).toBe(true);
    expect(disconnected()).toBe(1);
    // Of the link with the most.
    await expect(crowd[0]?.toArray()).rejects.toThrow();
    expect(await plays(url(other))).toBe(true);
    expect(disconnected()).toBe(1);
  });
});

test("a listener that reads is not disconnected, however full it is", async () => {
  const stalledMs = 800;
  await served({ listeners: 2, stalledMs }, async (url) => {
    const start = performance.now();
    const readers = [await stall(url(one)), await stall(url(one))];
    const bytes = [0, 0];
    const reading = readers.map(async (reader, index) => {
      for await (const chunk of reader) {
        bytes[index] = (bytes[index] ?? 0) + (chunk as Buffer).length;
        await pause(6);
      }
    });
    let refused = 0;
    // What the buffers hold at the end keeps no place.
    while (Math.max(...bytes) < 15_000_000) {
      expect((await fetch(url(other))).status).toBe(503);
      refused += 1;
      await pause(50);
    }
    expect(performance.now() - start).toBeGreaterThan(stalledMs);
    await Promise.all(reading);
    expect(bytes).toEqual([30_000_000, 30_000_000]);
    expect(refused).toBeGreaterThan(5);
    expect(disconnected()).toBe(0);
  });
});

test("places are free again when listeners leave, wherever they were", async () => {
  await served({ listeners: 3, perLink: 3 }, async (url) => {
    for (let round = 0; round < 10; round += 1) {
      for (let i = 0; i < 3; i += 1) await stall(url(one));
      expect((await fetch(url(other))).status).toBe(503);
      for (const response of crowd.splice(0)) response.destroy();
      await expect.poll(() => plays(url(other))).toBe(true);
    }
    const forged = url(other).replace(/-[\w-]{8}/, "-forgery_");
    for (let round = 0; round < 10; round += 1) expect((await fetch(forged)).status).toBe(404);
    const three = await Promise.all([stall(url(one)), stall(url(one)), stall(url(two))]);
    expect(statusesOf(three)).toEqual(["200: 3"]);
  });
});
