import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { explainCall } from "../../src/flow/explain/explain.ts";
import { inboundCall, scriptOf, sendAll, settledActivities } from "../support/calls.ts";
import { recordedCall, startRecordingServer } from "../support/recorded.ts";
import type { TestServer } from "../support/server.ts";
import { fileServer, startUpstream, type Upstream } from "../support/upstream.ts";

const audio = randomBytes(100_000);
const logged: unknown[] = [];
let upstream: Upstream;
let server: TestServer;
let call: Awaited<ReturnType<typeof recordedCall>>;

beforeAll(async () => {
  upstream = await startUpstream(fileServer(audio));
  const note = (...line: unknown[]) => void logged.push(line);
  server = await startRecordingServer(upstream, {
    log: { debug: note, info: note, warn: note, error: note },
  });
  call = await recordedCall(server, "exotel", `${upstream.url}/exotelrecordings/secret-place.mp3`);
});
afterAll(async () => {
  await server.stop();
  await upstream.stop();
});
beforeEach(() => void upstream.requests.splice(0));

const ask = (headers: Record<string, string> = {}, path = call.path, method = "GET") =>
  fetch(`${server.url}${path}`, { method, headers });

async function bytesOf(response: Response): Promise<Buffer> {
  return Buffer.from(await response.arrayBuffer());
}

describe("the link in the CRM", () => {
  test("plays the provider's very bytes, fetched with its credentials", async () => {
    const response = await ask();
    expect(response.status).toBe(200);
    const sum = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
    expect(sum(await bytesOf(response))).toBe(sum(audio));
    expect(upstream.requests[0]?.headers.authorization).toBe(`Basic ${btoa("exo-key:exo-token")}`);
  });

  test("ends as the provider's does, and plays under any ending and with any query", async () => {
    expect(call.path).toMatch(/^\/recordings\/[0-9a-z]+-[\w-]{32}\.mp3$/);
    const wav = await recordedCall(server, "retell", `${upstream.url}/call/recording.wav?sig=1`);
    expect(wav.path).toMatch(/\.wav$/);
    const bare = call.path.replace(/\.mp3$/, "");
    for (const path of [bare, `${bare}.wav`, `${bare}.mp3?t=1`])
      expect((await ask({}, path)).status).toBe(200);
  });

  test("asks Retell without any key of ours", async () => {
    const retell = await recordedCall(server, "retell", `${upstream.url}/call/recording.wav?sig=1`);
    expect((await ask({}, retell.path)).headers.get("content-type")).toBe("audio/wav");
    expect(upstream.requests[0]).toMatchObject({ url: "/call/recording.wav?sig=1" });
    expect(upstream.requests[0]?.headers).not.toHaveProperty("authorization");
  });

  test("is the same after a restart", async () => {
    await server.restart();
    expect((await ask()).status).toBe(200);
    const [row] = await server.parts.flow.store.calls({ limit: 1 });
    const again = await server.parts.flow.store.call(call.key);
    expect(row && again && (await server.parts.recordings.links()).recordingUrl(again.row)).toBe(call.url);
  });

  test("leads browsers to nothing but audio, from any CRM's page", async () => {
    const { headers } = await ask();
    expect(Object.fromEntries(headers)).toMatchObject({
      "content-type": "audio/mpeg",
      "content-length": "100000",
      "content-disposition": 'inline; filename="recording.mp3"',
      "content-security-policy": "default-src 'none'; sandbox",
      "x-content-type-options": "nosniff",
      "cross-origin-resource-policy": "cross-origin",
      "cache-control": "private, no-store",
      "accept-ranges": "bytes",
    });
  });
});

describe("a player that seeks", () => {
  test.each([
    ["bytes=10-19", 206, "bytes 10-19/100000", audio.subarray(10, 20)],
    ["bytes=99990-", 206, "bytes 99990-99999/100000", audio.subarray(99_990)],
    ["bytes=-5", 206, "bytes 99995-99999/100000", audio.subarray(99_995)],
    ["bytes=100000-", 416, "bytes */100000", Buffer.alloc(0)],
    ["bytes=0-1,5-6", 200, null, audio],
    ["seconds=1-2", 200, null, audio],
  ])("with %s gets %i", async (range, status, contentRange, bytes) => {
    const response = await ask({ range });
    expect([response.status, response.headers.get("content-range")]).toEqual([status, contentRange]);
    expect(response.headers.get("content-length")).toBe(String(bytes.length));
    expect((await bytesOf(response)).equals(bytes)).toBe(true);
    expect(upstream.requests[0]?.headers.range).toBe(status === 200 ? undefined : range);
  });

  test("may make sure that it is still the same file", async () => {
    await ask({ range: "bytes=0-1", "if-range": '"v1"' });
    expect(upstream.requests[0]?.headers).toMatchObject({ range: "bytes=0-1", "if-range": '"v1"' });
  });

  test("asks HEAD first and gets the headers alone; the provider is asked GET, which its signature is for", async () => {
    const response = await ask({ range: "bytes=0-9" }, call.path, "HEAD");
    expect([response.status, response.headers.get("content-length")]).toEqual([206, "10"]);
    expect((await bytesOf(response)).length).toBe(0);
    expect(upstream.requests[0]?.method).toBe("GET");
  });
});

describe("a stranger", () => {
  test("with a token that we did not make gets 404, and the provider is not asked", async () => {
    const [, id = "", mac = ""] = /recordings\/(\w+)-([\w-]{32})/.exec(call.path) ?? [];
    const other = mac.startsWith("A") ? `B${mac.slice(1)}` : `A${mac.slice(1)}`;
    const forged = [
      ...[`${id}-${other}`, `${id}-`, id, mac, `${id}-${mac}A`, `${id}-${mac.slice(1)}`, `0${id}-${mac}`],
      ...[`${Number.parseInt(id, 36) + 1}-${mac}`, `zzzzzzzzzz-${mac}`, `99-${mac}`, `${id}-${mac}/..`],
      ...["__proto__", "%00", `${id}-${mac}%00`, `${id}-${mac}.mp3.exe`, "x".repeat(5_000), "%F0%9F%8E%A7"],
    ];
    for (const token of forged) {
      const response = await ask({}, `/recordings/${token}`);
      expect(response.status, token).toBe(404);
    }
    expect((await ask({}, "/recordings/%E0%A4%A")).status).toBe(400);
    expect(upstream.requests).toEqual([]);
  });

  test("cannot use another installation's secret: each store has its own", async () => {
    const elsewhere = await startRecordingServer(upstream);
    await recordedCall(elsewhere, "exotel", `${upstream.url}/exotelrecordings/a.mp3`);
    expect((await fetch(`${elsewhere.url}${call.path}`)).status).toBe(404);
    await elsewhere.stop();
  });

  test("may not write", async () => expect((await ask({}, call.path, "POST")).status).toBe(405));
});

test("a call without a recording has no link, and a made-up one says that there is none yet", async () => {
  const unanswered = inboundCall("exotel", { outcome: "no-answer", talkSeconds: 0 });
  await sendAll(server, "exotel", scriptOf(server, "exotel", unanswered));
  const activities = await settledActivities(server, server.crm().activities.length);
  const key = `acme:exotel:${unanswered.id}`;
  await expect.poll(() => server.crm().activities.some((activity) => activity["key"] === key)).toBe(true);
  expect(activities.find((activity) => activity["key"] === key)).not.toHaveProperty("recordingUrl");
  const group = await server.parts.flow.store.call(key);
  const url = group && new URL((await server.parts.recordings.links()).recordingUrl(group.row) ?? "");
  const response = await ask({}, url?.pathname);
  expect(response.status).toBe(404);
  expect(await response.json()).toEqual({ error: expect.stringMatching(/no recording yet/) });
});

test("the provider's link and ours are in no log, and the provider's in no answer and no CRM", async () => {
  const query = new URLSearchParams({
    CallSid: "passed",
    CallType: "completed",
    DialCallStatus: "completed",
  });
  query.set("RecordingUrl", `${upstream.url}/secret-place.mp3`);
  await fetch(`${server.url}/webhooks/acme/exotel?key=exotel-secret&${query}`);
  await settledActivities(server);
  for (const key of [call.key, "acme:exotel:passed"]) {
    const explained = await explainCall(server.parts.flow.store, key);
    expect(explained?.call.recording).toMatchObject({ available: true });
    const answered = await (await fetch(`${server.url}/api/calls/${encodeURIComponent(key)}`)).text();
    expect(answered).toContain("available");
    expect(JSON.stringify(explained) + answered).not.toMatch(/secret-place/);
  }
  expect(JSON.stringify(server.crm())).not.toMatch(/secret-place/);
  expect(JSON.stringify(logged)).not.toMatch(/secret-place|\/recordings\//);
  expect(logged.length).toBeGreaterThan(0);
});
