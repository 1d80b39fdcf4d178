import { toneOf } from "@switchhook/emulators/audio";
import { type RetellEmulator, startRetell } from "@switchhook/emulators/retell";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { AudioReply } from "../../src/core/recording.ts";
import { openRecording } from "../../src/providers/retell/recording.ts";
import { startUpstream } from "../support/upstream.ts";
import { contextAt, evening, eventsOf, madeUpCalls, noon, settingsOf, wholeDay } from "./retell-polled.ts";

const call = { ...(madeUpCalls(1, 1)[0] as ReturnType<typeof madeUpCalls>[number]) };
Object.assign(call, { direction: "inbound", outcome: "completed", talkSeconds: 60 });
const hour = 3_600_000;

let emulator: RetellEmulator;
let now: number;
beforeEach(async () => {
  now = evening;
  emulator = await startRetell({ now: () => now, signed: true });
  emulator.place(call);
});
afterEach(() => emulator.stop());

const id = { callId: call.id };
const open = (ref: string, about?: { callId: string; expired?: boolean }, headers = {}, stop?: AbortSignal) =>
  openRecording(ref, settingsOf(emulator), { headers, signal: stop ?? new AbortController().signal }, about);

async function bytesOf({ body }: AudioReply): Promise<Buffer> {
  return Buffer.concat(await body.toArray());
}

/** The link that a webhook told just after the call. */
async function oldLink(): Promise<string> {
  const response = await fetch(`${emulator.url}/v2/get-call/${call.id}`, {
    headers: { authorization: "Bearer retell-secret" },
  });
  const { recording_url } = (await response.json()) as { recording_url: string };
  return recording_url;
}

const kinds = () => emulator.requests.map(({ kind, status }) => `${kind} ${status}`);

describe("a link that has expired", () => {
  test("is replaced by a fresh one, and the audio plays", async () => {
    const link = await oldLink();
    emulator.requests.length = 0;
    expect((await bytesOf(await open(link, id))).equals(toneOf(call.id, 5))).toBe(true);
    expect(kinds()).toEqual(["recording 200"]);
    now += 25 * hour;
    emulator.requests.length = 0;
    expect((await bytesOf(await open(link, id))).equals(toneOf(call.id, 5))).toBe(true);
    expect(kinds()).toEqual(["recording 403", "get 200", "recording 200"]);
  });

  test("is not even tried when it is known to have expired", async () => {
    const link = await oldLink();
    now += 25 * hour;
    emulator.requests.length = 0;
    expect((await open(link, { ...id, expired: true })).status).toBe(200);
    expect(kinds()).toEqual(["get 200", "recording 200"]);
  });

  test("gives the part of the audio that was asked for", async () => {
    const link = await oldLink();
    now += 25 * hour;
    const reply = await open(link, id, { range: "bytes=4-9" });
    expect(reply.status).toBe(206);
    expect((await bytesOf(reply)).equals(toneOf(call.id, 5).subarray(4, 10))).toBe(true);
  });

  test.each([
    ["the API is down", { type: "status", match: "get", status: 503 }],
    ["the API knows no such call", { type: "status", match: "get", status: 422, body: {} }],
    ["the API refuses us", { type: "status", match: "get", status: 401, body: {} }],
  ])("stays what it is when %s", async (_name, fault) => {
    const link = await oldLink();
    now += 25 * hour;
    emulator.faults.add(fault);
    expect((await open(link, id)).status).toBe(403);
    expect((await open(link, { ...id, expired: true })).status).toBe(403);
  });

  test("stays what it is when nobody says whose it is", async () => {
    const link = await oldLink();
    now += 25 * hour;
    expect((await open(link)).status).toBe(403);
  });

  test("does not keep a listener who left", async () => {
    const link = await oldLink();
    now += 25 * hour;
    emulator.faults.add({ type: "hang", match: "get" });
    const left = new AbortController();
    const opening = open(link, { ...id, expired: true }, {}, left.signal);
    setImmediate(() => left.abort());
    await expect(opening).rejects.toMatchObject({ name: "AbortError" });
  });
});

test("a link that the API told plays, although it is kept without its signature", async () => {
  const [event] = await eventsOf(
    emulator,
    wholeDay,
    contextAt(() => now),
  );
  const recording = event?.facts.recording;
  expect(recording?.ref).toBe(`${emulator.url}/recordings/${call.id}/recording.wav`);
  expect(Date.parse(recording?.expiresAt ?? "")).toBeLessThan(now);
  expect((await open(recording?.ref ?? "", { ...id, expired: true })).status).toBe(200);
  expect((await open(recording?.ref ?? "", id)).status).toBe(200);
});

test("a fresh link to a host that may not be asked is not followed", async () => {
  const elsewhere = await startUpstream((_request, response) => response.end("secret"));
  const get = { call_id: call.id, recording_url: `${elsewhere.url}/x.wav` };
  emulator.faults.add({ type: "status", match: "get", status: 200, body: get });
  await expect(
    open(`${emulator.url}/recordings/x/recording.wav`, { ...id, expired: true }),
  ).rejects.toMatchObject({
    name: "Rejected",
    status: 502,
  });
  expect(elsewhere.requests).toEqual([]);
  await elsewhere.stop();
});

test("our key goes to the API, never to where recordings lie", async () => {
  const seen: string[] = [];
  const storage = await startUpstream((request, response) => {
    seen.push(`${request.url} ${request.headers.authorization ?? "no key"}`);
    if (request.url?.startsWith("/v2/")) {
      const body = { call_id: call.id, recording_url: `http://127.0.0.1:${storage.port}/fresh.wav` };
      response.end(JSON.stringify(body));
    } else response.writeHead(request.url === "/fresh.wav" ? 200 : 410).end("audio");
  });
  const settings = { apiKey: ["retell-secret"], apiUrl: storage.url };
  const request = { headers: {}, signal: new AbortController().signal };
  expect((await openRecording(`${storage.url}/old.wav`, settings, request, id)).status).toBe(200);
  expect(seen).toEqual([
    "/old.wav no key",
    `/v2/get-call/${call.id} Bearer retell-secret`,
    "/fresh.wav no key",
  ]);
  await storage.stop();
});

test("a recording that is not made yet is asked for again, and found later", async () => {
  now = noon + 61_000;
  const link = `${emulator.url}/recordings/${call.id}/recording.wav`;
  expect((await open(link, id)).status).toBe(403);
  now = noon + 61_000 + 120_000;
  expect((await open(link, id)).status).toBe(200);
});
