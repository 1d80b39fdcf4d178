import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { callKey } from "../../src/core/call.ts";
import { waitFor } from "../support/server.ts";
import { type Child, server, settled, workFolder } from "./support.ts";

/** Sends calls as fast as it can until the server is gone; returns the ids that were acknowledged. */
async function load({ url }: Child, worker: number, acknowledged: string[]): Promise<void> {
  for (let i = 0; ; i++) {
    const id = `load-${worker}-${i}`;
    const call = { call_id: id, status: "ended", reason: "completed", direction: "inbound", version: "v2" };
    const body = {
      ...call,
      timestamp: new Date().toISOString(),
      caller: { number: "+919876543210" },
      destination: { number: "+31852018800" },
    };
    try {
      const response = await fetch(`${url}/webhooks/demo/voys?key=demo-key`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      if (response.ok) acknowledged.push(id);
    } catch {
      return;
    }
  }
}

test("stops with 0 under load, and loses nothing that it acknowledged", async () => {
  const folder = workFolder();
  const first = await server(folder);
  const acknowledged: string[] = [];
  const workers = Array.from({ length: 8 }, (_, worker) => load(first, worker, acknowledged));
  await waitFor("enough calls", () => acknowledged.length > 50);
  first.signal("SIGTERM");
  expect(await first.ended).toBe(0);
  expect(first.output()).toMatch(/"msg":"stopped"/);
  await Promise.all(workers);
  await server(folder);
  const activities = await settled(folder, acknowledged.length);
  const keys = activities.map(({ key }) => key);
  expect(new Set(keys).size).toBe(keys.length);
  expect(keys).toEqual(expect.arrayContaining(acknowledged.map((id) => callKey("demo", "voys", id))));
});

test("answers a request that is under way before it ends, and does not wait for somebody who only watches", async () => {
  const child = await server(workFolder());
  const watching = await fetch(`${child.url}/api/events`);
  expect(watching.ok).toBe(true);
  const { port } = new URL(child.url);
  const socket = connect(Number(port), "127.0.0.1");
  const body = '{"call_id": "slow", "status": "ringing"}';
  const path = "/webhooks/demo/voys?key=demo-key";
  socket.write(
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 10)}`,
  );
  await pause(300);
  child.signal("SIGTERM");
  await watching.text().catch(() => {});
  socket.write(body.slice(10));
  const answer = await new Promise((got) =>
    socket.once("data", (data) => got(String(data).split("\r\n", 1)[0])),
  );
  expect(answer).toBe("HTTP/1.1 200 OK");
  expect(await child.ended).toBe(0);
});

test("takes a signal that comes twice as one, and a later one as an order to end at once", async () => {
  const child = await server(workFolder());
  const socket = connect(Number(new URL(child.url).port), "127.0.0.1").on("error", () => {});
  socket.write(
    "POST /webhooks/demo/voys?key=demo-key HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{",
  );
  await pause(300);
  child.signal("SIGINT");
  await pause(100);
  child.signal("SIGINT");
  await pause(800);
  expect(child.output()).not.toMatch(/at once/);
  child.signal("SIGINT");
  expect(await child.ended).toBe(1);
  expect(child.output()).toMatch(/stopping at once/);
  socket.destroy();
});
