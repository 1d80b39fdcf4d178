import { EventEmitter } from "node:events";
import type { Server } from "node:http";
import { expect, test } from "vitest";
import { limitConnections } from "../../src/routes/connections.ts";
import { openRaw, statusIn } from "../support/raw-client.ts";
import { startServer, waitFor } from "../support/server.ts";

/** How many of these peers may connect to a server for `most`; each hangs up when told. */
function connectAll(most: number, addresses: readonly string[]) {
  const server = new EventEmitter();
  limitConnections(server as Server, most, () => {});
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
  limitConnections(server as Server, 4, () => {});
  for (let i = 0; i < 10; i++) {
    const socket = Object.assign(new EventEmitter(), {
      remoteAddress: "1.1.1.1",
      destroy: () => expect.unreachable(),
    });
    server.emit("connection", socket);
    socket.emit("close");
  }
});

test("a new client is served although others keep all connections open without a request", async () => {
  const errors: string[] = [];
  const server = await startServer({
    file: { limits: { connections: 10 } },
    log: { error: (_, sentence) => errors.push(sentence) },
  });
  const idle = await Promise.all(Array.from({ length: 10 }, () => openRaw(server.url)));
  for (const client of idle) client.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  await waitFor("all answers", () => idle.every((client) => statusIn(client.received()) === 200));
  const served = async () => {
    const client = await openRaw(server.url).catch(() => undefined);
    client?.write("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    return client && statusIn(await client.closed) === 200;
  };
  await waitFor("a new client to be served", served);
  expect(errors).toEqual([expect.stringContaining("limits.connections")]);
  await server.stop();
});
