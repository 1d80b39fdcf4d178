import { EventEmitter } from "node:events";
import type { Server } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { createBodyRoom } from "../../src/lib/body-room.ts";
import { limitConnections } from "../../src/routes/connections.ts";
import { openRaw, statusIn } from "../support/raw-client.ts";
import { startServer, waitFor } from "../support/server.ts";

/** How many of these peers may connect to a server for `most`; each hangs up when told. */
function connectAll(most: number, addresses: readonly string[]) {
  const server = new EventEmitter();
  limitConnections(server as Server, {
    most,
    bodySeconds: 10,
    idleMs: 1_000,
    room: createBodyRoom(1),
    full: () => {},
  });
  return addresses.map((remoteAddress) => {
    const socket = Object.assign(new EventEmitter(), {
      remoteAddress,
      destroyed: false,
      destroy: () => void Object.assign(socket, { destroyed: true }).emit("close"),
    });
    server.emit("connection", socket);
    return socket;
  });
}

const repeated = (address: string, times: number) => Array.from({ length: times }, () => address);
const taken = (sockets: { destroyed: boolean }[]) => sockets.filter(({ destroyed }) => !destroyed).length;

test.each(["1.1.1.1", "::ffff:1.1.1.1", "2606:4700::1111"])(
  "a quarter of the connections at most is for the address %s",
  (address) => {
    expect(taken(connectAll(40, repeated(address, 15)))).toBe(10);
  },
);

test("the addresses of one /64 of IPv6 count as one, others do not", () => {
  const ofOne = ["2606:4700:1:2::1", "2606:4700:1:2::2", "2606:4700:1:2:ffff::", "2606:4700:1:2:3:4:5:6"];
  expect(taken(connectAll(8, ofOne))).toBe(2);
  expect(taken(connectAll(8, ["2606:4700:1:2::1", "2606:4700:1:3::1", "2606:4700::1", "2606::1"]))).toBe(4);
});

test.each(["127.0.0.1", "::1", "::ffff:10.0.0.7", "192.168.1.4", "fd00::1"])(
  "the peer %s may be a proxy, so it may take them all",
  (address) => {
    expect(taken(connectAll(8, repeated(address, 8)))).toBe(8);
  },
);

test("a connection that ended makes room for the next of its address", () => {
  const server = new EventEmitter();
  limitConnections(server as Server, {
    most: 4,
    bodySeconds: 10,
    idleMs: 1_000,
    room: createBodyRoom(1),
    full: () => {},
  });
  for (let i = 0; i < 10; i++) {
    const socket = Object.assign(new EventEmitter(), {
      remoteAddress: "1.1.1.1",
      destroy: () => expect.unreachable(),
    });
    server.emit("connection", socket);
    socket.emit("close");
  }
});

const retell = { "x-retell-signature": `v=${Date.now()},d=${"0".repeat(64)}` };

describe("a new client is served although others keep all connections open", () => {
  test.each<[string, string]>([
    ["without a word", ""],
    ["with half a head", "GET /healthz HTTP/1.1\r\nHost:"],
    ["between two requests", "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"],
    ["with half a body that nothing proves", `${headOf("retell", retell)}{`],
    ["with half a body that was refused", `${headOf("voys?key=wrong")}{`],
  ])("%s", async (_, text) => {
    const errors: string[] = [];
    const server = await startServer({
      file: { limits: { connections: 10 } },
      log: { error: (_, sentence) => errors.push(sentence) },
    });
    const others = await Promise.all(Array.from({ length: 10 }, () => openRaw(server.url)));
    for (const client of others) client.write(text);
    await waitFor("a new client to be served", () => isServed(server.url));
    expect(errors).toEqual([expect.stringContaining("limits.connections")]);
    await server.stop();
  });

  test("but a proved body that is on its way, and an answer that is, are not cut off", async () => {
    const server = await startServer({ file: { limits: { connections: 10 } } });
    const body = JSON.stringify({ call_id: "c", status: "ringing" });
    const proved = await openRaw(server.url);
    proved.write(`${headOf("voys?key=voys-secret", {}, body.length)}${body.slice(0, 5)}`);
    const others = await Promise.all(Array.from({ length: 9 }, () => openRaw(server.url)));
    await waitFor("a new client to be served", () => isServed(server.url));
    expect(others.some(({ socket }) => socket.destroyed)).toBe(true);
    proved.write(body.slice(5));
    await waitFor("the answer", () => statusIn(proved.received()) === 200);
    await server.stop();
  });
});

function headOf(path: string, headers: Record<string, string> = {}, length = 2): string {
  const all = { host: "x", "content-type": "application/json", "content-length": String(length), ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST /webhooks/acme/${path} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

async function isServed(url: string): Promise<boolean> {
  const client = await openRaw(url).catch(() => undefined);
  client?.write("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  return client !== undefined && statusIn(await client.closed) === 200;
}

test.each([
  ["a request that is none", "nonsense\r\n\r\n", 400],
  ["a head that is too large", `GET / HTTP/1.1\r\nHost: x\r\nX: ${"x".repeat(20_000)}\r\n\r\n`, 431],
  [
    "chunk extensions that are too large",
    `POST /webhooks/acme/voys?key=voys-secret HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;${"x".repeat(20_000)}\r\na`,
    413,
  ],
])("%s is answered with a reason", async (_, text, status) => {
  const server = await startServer();
  const client = await openRaw(server.url);
  client.write(text);
  const answer = await client.closed;
  expect(statusIn(answer)).toBe(status);
  expect(answer).toMatch(/\{"error":"[^"]+"\}$/);
  await server.stop();
});

test("a connection that a load balancer opened ahead is served although it was silent for longer than a request may take", async () => {
  const server = await startServer({ file: { limits: { bodySeconds: 1 } } });
  const client = await openRaw(server.url);
  await pause(3_500);
  expect(client.received()).toBe("");
  client.write("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  expect(statusIn(await client.closed)).toBe(200);
  await server.stop();
});

test.each(["identity", "Identity", "", "UTF-8", "none"])(
  "a body with the content encoding %j is taken",
  async (encoding) => {
    const server = await startServer();
    const client = await openRaw(server.url);
    const body = JSON.stringify({ call_id: "c", status: "ringing" });
    client.write(`${headOf("voys?key=voys-secret", { "content-encoding": encoding }, body.length)}${body}`);
    await waitFor("the answer", () => statusIn(client.received()) === 200);
    await server.stop();
  },
);

describe("requests that are sent before the ones before are answered", () => {
  const one = "GET /style.css HTTP/1.1\r\nHost: x\r\n\r\n";

  test("are answered in order when they are few", async () => {
    const server = await startServer();
    const client = await openRaw(server.url);
    client.write(`${one.repeat(4)}GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect((await client.closed).match(/HTTP\/1\.1 200/g)).toHaveLength(5);
    await server.stop();
  });

  test("end the connection when they are many, and no more of them are looked at", async () => {
    const server = await startServer();
    const clients = await Promise.all(Array.from({ length: 20 }, () => openRaw(server.url)));
    for (const client of clients) {
      client.socket.pause();
      client.write(one.repeat(1_000));
    }
    for (const client of clients) client.socket.resume();
    const answers = await Promise.all(clients.map(({ closed }) => closed));
    for (const answer of answers) expect((answer.match(/HTTP\/1\.1/g) ?? []).length).toBeLessThan(20);
    expect(await isServed(server.url)).toBe(true);
    await server.stop();
  });
});

describe("a client whose body stops half-way", () => {
  const refusals: object[] = [];
  const slow = {
    file: { limits: { bodySeconds: 1 } },
    log: { info: (facts: object) => refusals.push(facts) },
  };

  test("is told with 408 and a reason, and so is the operator", async () => {
    refusals.length = 0;
    const server = await startServer(slow);
    const client = await openRaw(server.url);
    client.write(`${headOf("voys?key=voys-secret", {}, 100)}{`);
    const answer = await client.closed;
    expect(statusIn(answer)).toBe(408);
    expect(answer).toContain("not complete after 1 s");
    expect(refusals.filter((facts) => Object.hasOwn(facts, "status"))).toMatchObject([{ status: 408 }]);
    await server.stop();
  });

  test("gets no second answer when it was refused already", async () => {
    const server = await startServer(slow);
    const client = await openRaw(server.url);
    client.write(`${headOf("voys?key=wrong", {}, 100)}{`);
    const answer = await client.closed;
    expect(answer.match(/HTTP\/1\.1 \d{3}/g)).toEqual(["HTTP/1.1 401"]);
    await server.stop();
  });
});
