import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { signatureOf } from "../../src/providers/retell/signature.ts";
import { type ChildServer, freePort, isUp, startChild } from "../support/child-server.ts";
import { openRaw, type RawClient, statusIn } from "../support/raw-client.ts";
import { startServer, type TestServer, waitFor } from "../support/server.ts";

const megabyte = 1_048_576;
const apiKey = "retell-secret";

let server: TestServer | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

function headOf(path: string, length: number, headers: Record<string, string> = {}): string {
  const lines = Object.entries({ host: "x", "content-type": "application/json", ...headers });
  const all = [...lines, ["content-length", String(length)]].map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST /webhooks/acme/${path} HTTP/1.1\r\n${all.join("")}\r\n`;
}

async function sent(path: string, length: number, headers?: Record<string, string>): Promise<RawClient> {
  const client = await openRaw(server?.url ?? "");
  client.write(headOf(path, length, headers));
  return client;
}

const forged = () => ({ "x-retell-signature": `v=${Date.now()},d=${"0".repeat(64)}` });
const answered = (client: RawClient) =>
  waitFor("an answer", () => statusIn(client.received()) || undefined, 5);

describe("a request that cannot be the provider's is refused before its body", () => {
  const old = { "messagebird-request-timestamp": "1600000000", "messagebird-signature": "AAAA" };
  const inDays = (days: number) => Math.floor(Date.now() / 1000) + days * 86_400;
  test.each([
    ["exotel", "exotel?key=wrong", {}],
    ["exotel", "exotel", {}],
    ["voys", "voys", { authorization: `Basic ${btoa("voys:wrong")}` }],
    ["retell", "retell", {}],
    ["retell", "retell", { "x-retell-signature": "v=1,d=2" }],
    ["retell", "retell", { "x-retell-signature": `v=1600000000000,d=${"0".repeat(64)}` }],
    ["bird", "bird", {}],
    ["bird", "bird", old],
    ["bird", "bird", { ...old, "messagebird-request-timestamp": String(inDays(2)) }],
    [
      "bird",
      "bird",
      { "webhook-id": "1", "webhook-timestamp": "1600000000", "webhook-signature": "v1,AA==" },
    ],
  ])("%s: %s with %j", async (_, path, headers) => {
    server = await startServer();
    const client = await sent(path, 500_000, headers);
    expect(await answered(client)).toBe(401);
    client.socket.destroy();
  });
});

test("the rest of a refused body is not taken for the next request", async () => {
  server = await startServer();
  const inner = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
  const client = await sent("voys?key=wrong", inner.length);
  expect(await answered(client)).toBe(401);
  client.write(inner);
  client.write("GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const statuses = [...(await client.closed).matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status);
  expect(statuses).toEqual(["401", "200"]);
});

describe("the largest body", () => {
  test.each([
    ["exotel", "exotel?key=exotel-secret", megabyte, {}],
    ["voys", "voys?key=voys-secret", megabyte, {}],
    [
      "bird",
      "bird",
      megabyte,
      () => ({
        "messagebird-request-timestamp": String(Math.floor(Date.now() / 1000)),
        "messagebird-signature": "AAAA",
      }),
    ],
    ["retell", "retell", 5 * megabyte, forged],
  ])("of %s is what it may send", async (_, path, bytes, headers) => {
    server = await startServer();
    const given = typeof headers === "function" ? headers() : headers;
    const over = await sent(path, bytes + 1, given);
    expect(await answered(over)).toBe(413);
    const whole = await sent(path, bytes, given);
    whole.write(" ".repeat(bytes));
    expect([400, 401]).toContain(await answered(whole));
    whole.socket.destroy();
  });

  test("is the operator's choice, for all of them", async () => {
    server = await startServer({ file: { limits: { bodyBytes: 2 * megabyte } } });
    expect(await answered(await sent("retell", 2 * megabyte + 1, forged()))).toBe(413);
    const client = await sent("voys?key=voys-secret", 2 * megabyte);
    client.write(" ".repeat(2 * megabyte));
    expect(await answered(client)).toBe(400);
    client.socket.destroy();
  });
});

describe("300 connections, each with 5 MB but for a byte, at a server with 1.3 GB of memory", () => {
  const bytes = 5 * megabyte;
  const almost = Buffer.alloc(bytes - 1, 0x20);

  /** Sends them one after another, as fast as the server takes them. */
  async function attack(url: string): Promise<RawClient[]> {
    const clients: RawClient[] = [];
    for (let i = 0; i < 300; i++) {
      const client = await openRaw(url);
      client.write(headOf("retell", bytes, forged()));
      await new Promise<void>((written) => client.socket.write(almost, () => written()));
      clients.push(client);
    }
    return clients;
  }

  test("hold up nobody else, and are told to come again", async () => {
    const child = await startLimited(1_300_000_000);
    const clients = await attack(child.url);
    const webhook = (callId: string, filler: number) =>
      fetch(`${child.url}/webhooks/acme/voys?key=voys-secret`, {
        method: "POST",
        body: JSON.stringify({ call_id: callId, status: "ringing", filler: "x".repeat(filler) }),
      });
    const statuses = await Promise.all(
      [1, 2, 3].map(async (i) => (await webhook(`call-${i}`, 900_000)).status),
    );
    expect(statuses).toEqual([200, 200, 200]);
    expect((await question(child.url)).status).toBe(200);
    for (const { socket } of clients) socket.destroy();
    const refused = clients.map((client) => client.received()).filter((answer) => answer !== "");
    expect(refused.length).toBeGreaterThan(200);
    for (const answer of refused)
      expect(answer).toMatch(/^HTTP\/1\.1 (503 [\s\S]*\r\nretry-after: 5\r\n|408)/i);
    expect((await webhook("call-4", 100)).status).toBe(200);
  });
});

/**
 * Lets a process use `bytes` of memory in all. The limit of the kernel counts what is writable, used or not, so it is set
 * so far above what is writable now.
 */
function limitMemory(pid: number, bytes: number): void {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const [writable, used] = ["VmData", "VmRSS"].map(
    (name) => 1_024 * Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]),
  );
  const data = (writable ?? 0) + bytes - (used ?? 0);
  execFileSync("prlimit", [`--pid=${pid}`, `--data=${data}`]);
}

/** A server process of its own that may use so much memory. */
async function startLimited(memoryBytes: number): Promise<ChildServer> {
  const folder = mkdtempSync(join(tmpdir(), "switchhook-bodies-"));
  writeFileSync(join(folder, "crm.json"), JSON.stringify({ contacts: [], owners: [], activities: [] }));
  const providers = { voys: { secret: "voys-secret" }, retell: { apiKey } };
  const acme = { crm: { type: "local", file: "crm.json" }, region: "NL", reconcile: false, providers };
  writeFileSync(join(folder, "switchhook.json"), JSON.stringify({ installations: { acme } }));
  const child = startChild(folder, await freePort());
  onTestFinished(async () => {
    child.kill();
    await child.ended;
    rmSync(folder, { recursive: true });
  });
  await waitFor("the server to answer", () => isUp(child));
  limitMemory(child.pid, memoryBytes);
  return child;
}

/** An AI agent asks about a caller. */
function question(url: string): Promise<Response> {
  const body = JSON.stringify({ event: "call_inbound", call_inbound: { from_number: "+31612345678" } });
  const headers = { "x-retell-signature": signatureOf(Buffer.from(body), apiKey, Date.now()) };
  return fetch(`${url}/webhooks/acme/retell`, { method: "POST", headers, body });
}
