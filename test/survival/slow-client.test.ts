import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { inboundCall, scriptOf, sendAll, settledActivities } from "../support/calls.ts";
import { openRaw, type RawClient, statusIn } from "../support/raw-client.ts";
import { startServer, type TestServer, waitFor } from "../support/server.ts";

const head =
  "POST /webhooks/acme/voys?key=voys-secret HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
const ringing = (callId: string) => JSON.stringify({ call_id: callId, status: "ringing" });

let server: TestServer;
let errors: string[];
beforeEach(async () => {
  errors = [];
  server = await startServer({
    file: { limits: { bodySeconds: 3, bodyBytes: 65_536 } },
    log: { error: (_, sentence) => errors.push(sentence) },
  });
});
afterEach(async () => {
  await server.stop();
  expect(errors).toEqual([]);
});

async function drip(client: RawClient, text: string): Promise<void> {
  for (const byte of text) {
    if (client.socket.destroyed) return;
    client.write(byte);
    await pause(50);
  }
}

/** Who is well-behaved is served while these hold their connections. */
async function servesOthers(meanwhile: readonly RawClient[]): Promise<void> {
  const response = await fetch(`${server.url}/webhooks/acme/voys?key=voys-secret`, {
    method: "POST",
    body: ringing("ordinary"),
  });
  expect(response.status).toBe(200);
  expect(meanwhile.filter(({ socket }) => socket.closed)).toEqual([]);
}

async function stored(): Promise<number> {
  return (await server.parts.flow.store.deliveriesIn({}, 0, 1_000)).length;
}

test.each([
  ["headers", head + "X-Filler: ".repeat(100)],
  ["a body", `${head}Content-Length: 2000\r\n\r\n${" ".repeat(2_000)}`],
  ["a chunked body", `${head}Transfer-Encoding: chunked\r\n\r\n${"1\r\n \r\n".repeat(500)}`],
])(
  "cuts off 50 clients that send %s byte by byte with 408, and serves the others meanwhile",
  async (_, text) => {
    const clients = await Promise.all(Array.from({ length: 50 }, () => openRaw(server.url)));
    const start = text.indexOf("\r\n\r\n") + 4;
    for (const client of clients) {
      if (start > 4) client.write(text.slice(0, start));
      void drip(client, start > 4 ? text.slice(start) : text);
    }
    await servesOthers(clients);
    const answers = await Promise.all(clients.map(({ closed }) => closed));
    expect(new Set(answers.map(statusIn))).toEqual(new Set([408]));
    expect(await stored()).toBe(1);
  },
);

// One that was waited for would be cut off with 408.
test("refuses a large body with 413 as soon as it is announced", async () => {
  const client = await openRaw(server.url);
  client.write(`${head}Content-Length: 9000000\r\n\r\n`);
  expect(statusIn(await client.closed)).toBe(413);
});

test("refuses a chunked body with 413 once it is past the limit", async () => {
  const client = await openRaw(server.url);
  client.write(`${head}Transfer-Encoding: chunked\r\n\r\n`);
  const chunk = `4000\r\n${" ".repeat(0x4000)}\r\n`;
  for (let i = 0; i < 5; i++) client.write(chunk);
  expect(statusIn(await client.closed)).toBe(413);
  expect(await stored()).toBe(0);
});

test("tells a client that sends a large body all at once", async () => {
  for (let i = 0; i < 20; i++) {
    const response = await fetch(`${server.url}/webhooks/acme/voys?key=voys-secret`, {
      method: "POST",
      body: "x".repeat(3_000_000),
    });
    expect(response.status).toBe(413);
  }
});

test("stores nothing of a client that goes away in the middle", async () => {
  const whole = ringing("gone");
  for (let i = 0; i < 40; i++) {
    const client = await openRaw(server.url);
    client.write(`${head}Content-Length: ${whole.length}\r\n\r\n${whole.slice(0, i % whole.length)}`);
    await pause(5);
    if (i % 2 === 0) client.socket.resetAndDestroy();
    else client.socket.end();
    await client.closed;
  }
  await servesOthers([]);
  expect(await stored()).toBe(1);
});

test("goes on serving others while some never read their answers", async () => {
  const clients = await Promise.all(Array.from({ length: 20 }, () => openRaw(server.url)));
  for (const { socket } of clients) {
    socket.pause();
    socket.write("GET /api/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(300));
  }
  for (let i = 0; i < 10; i++) await servesOthers(clients);
  for (const { socket } of clients) socket.destroy();
  const call = inboundCall("voys");
  expect(await sendAll(server, "voys", scriptOf(server, "voys", call))).not.toContain(503);
  await waitFor("the call", async () => (await settledActivities(server)).length === 1, 20);
});
