import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { BirdOptions } from "@switchhook/emulators/bird";
import { describe, expect, onTestFinished, test } from "vitest";
import { endingOf } from "../../src/flow/recordings/links.ts";
import { createRecordings } from "../../src/providers/bird/recording.ts";
import { answerWith, birdOf, callOf } from "./bird-polled.ts";

const start = Date.parse("2026-01-03T12:00:00.000Z");
const refused = (status: number, sentence: RegExp) =>
  expect.objectContaining({ name: "Rejected", status, message: expect.stringMatching(sentence) });

/** A recorded call, and how its recording is opened, by one clock. */
async function recorded(options: BirdOptions = {}) {
  let now = start;
  const { emulator, settings } = await birdOf({ now: () => now, ...options });
  emulator.place(callOf("call-1", { talkSeconds: 2 }));
  const { id, sha256 } = emulator.recordingOf("call-1");
  const openAny = createRecordings(() => now, 2);
  const open = async (range?: string, given = settings, ref = `bird:recording:${id}.wav`) => {
    const headers: Record<string, string> = range === undefined ? {} : { range };
    const reply = await openAny(ref, given, { headers, signal: new AbortController().signal });
    const chunks: Buffer[] = [];
    for await (const chunk of reply.body) chunks.push(chunk as Buffer);
    return { ...reply, bytes: Buffer.concat(chunks) };
  };
  return {
    emulator,
    settings,
    id,
    sha256,
    open,
    wait: (seconds: number) => {
      now += seconds * 1000;
    },
    asked: (kind: string) => emulator.requests.filter((request) => request.kind === kind).length,
  };
}

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

describe("a recording", () => {
  test("is the very audio, and its key stays with Bird", async () => {
    const { open, sha256, emulator } = await recorded();
    const reply = await open();
    expect([reply.status, reply.headers["content-type"]]).toEqual([200, "audio/wav"]);
    expect(createHash("sha256").update(reply.bytes).digest("hex")).toBe(sha256);
    // The bucket answers 400 to whoever brings an Authorization along.
    expect(emulator.requests.map(({ kind, status }) => [kind, status])).toEqual([
      ["recording", 200],
      ["audio", 200],
    ]);
  });

  test("is found under its id whatever the ending says", async () => {
    const { open, settings, id } = await recorded();
    for (const ending of ["", ".wav", ".mp3"])
      expect((await open(undefined, settings, `bird:recording:${id}${ending}`)).status).toBe(200);
    expect(endingOf(`bird:recording:${id}.wav`)).toBe(".wav");
    expect(endingOf(`bird:recording:${id}.mp3`)).toBe(".mp3");
    expect(endingOf(`bird:recording:${id}`)).toBe(".mp3");
  });

  test("is asked for once for all ranges of a listener, and anew after five minutes", async () => {
    const { open, asked, wait } = await recorded();
    const whole = (await open()).bytes;
    for (const from of [0, 100, 2_000]) {
      const part = await open(`bytes=${from}-${from + 99}`);
      expect(part.status).toBe(206);
      expect(part.bytes).toEqual(whole.subarray(from, from + 100));
    }
    wait(299);
    await open();
    expect(asked("recording")).toBe(1);
    wait(1);
    await open();
    expect(asked("recording")).toBe(2);
  });

  test("is asked for anew when others were played since, so that not all links are kept", async () => {
    const { open, settings, emulator, asked } = await recorded();
    const refs = ["call-1", "call-2", "call-3"].map((name) => {
      emulator.place(callOf(name, { talkSeconds: 1 }));
      return `bird:recording:${emulator.recordingOf(name).id}.wav`;
    });
    for (const ref of [...refs, ...refs.slice(1)]) await open(undefined, settings, ref);
    expect(asked("recording")).toBe(3);
    await open(undefined, settings, refs[0]);
    expect(asked("recording")).toBe(4);
  });

  test("plays long after the first link expired", async () => {
    const { open, wait } = await recorded();
    await open();
    wait(86_400);
    expect((await open()).status).toBe(200);
  });

  test("gets a new link when the one that was kept is refused", async () => {
    const { open, emulator, asked } = await recorded();
    await open();
    emulator.faults.add({ type: "status", status: 403, match: "audio", times: 1 });
    expect((await open()).status).toBe(200);
    expect(asked("recording")).toBe(2);
  });

  test("is not given to whoever has another key", async () => {
    const { open, settings } = await recorded();
    await open();
    await expect(open(undefined, { ...settings, apiKey: "wrong" })).rejects.toEqual(
      refused(502, /check workspaceId and apiKey/),
    );
  });

  test("that the bucket refuses comes with its status", async () => {
    const { open, emulator } = await recorded();
    emulator.faults.add({ type: "status", status: 503, match: "audio" });
    expect((await open()).status).toBe(503);
  });
});

describe("no recording", () => {
  test("is asked for before the settings are there", async () => {
    const { open, settings, emulator } = await recorded();
    const { apiKey, ...without } = settings;
    await expect(open(undefined, without)).rejects.toEqual(refused(502, /Set apiKey of bird/));
    expect(emulator.requests).toEqual([]);
  });

  test.each(["https://example.com/a.wav", "bird:recording:../calls", "bird:recording:", "call_1", ""])(
    "is at the ref %j",
    async (ref) => {
      const { open, settings, emulator } = await recorded();
      await expect(open(undefined, settings, ref)).rejects.toEqual(refused(404, /none of Bird's/));
      expect(emulator.requests).toEqual([]);
    },
  );

  test("is there that Bird does not know, or has not finished", async () => {
    const { open, settings, emulator } = await recorded();
    await expect(open(undefined, settings, "bird:recording:r1")).rejects.toEqual(refused(404, /any more/));
    emulator.place(callOf("call-2"), { recordingAfterSeconds: 86_400 * 7 });
    const { id } = emulator.recordingOf("call-2");
    await expect(open(undefined, settings, `bird:recording:${id}`)).rejects.toEqual(refused(404, /yet/));
  });

  test("comes while Bird is busy or away", async () => {
    const { open, settings } = await recorded({ requestsPerSecond: 0 });
    await expect(open()).rejects.toEqual(refused(502, /try again later/));
    const away = { ...settings, apiUrl: `http://127.0.0.1:${await closedPort()}` };
    await expect(open(undefined, away)).rejects.toEqual(refused(502, /try again later/));
  });

  test.each([
    ["another host", "https://evil.example/a.wav?X-Amz-Signature=1", /at evil\.example, which is not/],
    ["this machine at another port", "http://127.0.0.1:1/a.wav", /not an allowed recording host/],
    [
      "Amazon, but no bucket",
      "https://ec2-1-2-3-4.compute.amazonaws.com/?X-Amz-Signature=1",
      /not an allowed recording host/,
    ],
    [
      "a bucket without a signature",
      "https://b.s3.eu-west-1.amazonaws.com/a.wav",
      /not an allowed recording host/,
    ],
    [
      "what only looks like a bucket",
      "https://s3.amazonaws.com.evil.example/?X-Amz-Signature=1",
      /not an allowed recording host/,
    ],
    ["a bucket over http", "http://b.s3.eu-west-1.amazonaws.com/a?X-Amz-Signature=1", /only https/],
    ["Bird over http", "http://media.api.bird.com/a.wav", /only https/],
    ["a file", "file:///etc/passwd", /not an allowed recording host/],
    ["no address", "a.wav", /no URL/],
  ])("is fetched from %s", async (_, url, sentence) => {
    const { open, emulator } = await recorded();
    answerWith(emulator, "recording", { id: "r1", status: "available", url });
    await expect(open()).rejects.toEqual(refused(502, sentence));
  });

  test("is waited for by a listener who left", async () => {
    const { emulator, settings, id } = await recorded();
    emulator.faults.add({ type: "hang", match: "recording" });
    const left = new AbortController();
    onTestFinished(() => left.abort());
    const opened = createRecordings(() => start)(`bird:recording:${id}`, settings, {
      headers: {},
      signal: left.signal,
    });
    left.abort(new Error("left"));
    await expect(opened).rejects.toThrow("left");
  });
});
