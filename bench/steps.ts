import { createServer } from "node:http";
import { setImmediate } from "node:timers/promises";
import type { Delivery } from "../src/core/provider.ts";
import { providers } from "../src/providers/index.ts";
import { openSqliteStore } from "../src/store/sqlite/store.ts";
import { load, retellEvents } from "./load.ts";

export type StepCost = { step: string; us: number };

const apiKey = "bench-retell-key";
const runs = 20_000;

/** What each step of an acknowledgement costs by itself, in microseconds; storing in groups of 64, writer included. */
export async function stepCosts(folder: string): Promise<StepCost[]> {
  const retell = providers["retell"];
  if (!retell) throw new Error("there is no provider retell");
  const deliveries = madeUp();
  const settings = { apiKey: [apiKey] };
  const verify = await timed((i) => {
    const delivery = deliveries[i] as Delivery;
    retell.verify(delivery, settings, { now: Date.now(), publicUrl: "" })?.(delivery.body);
  });
  const read = await timed((i) => {
    retell.read(deliveries[i] as Delivery);
  });
  const store = openSqliteStore(folder);
  await store.append(deliveries[0] as Delivery);
  const started = process.cpuUsage();
  for (let i = 0; i < runs; i += 64)
    await Promise.all(deliveries.slice(i, i + 64).map((delivery) => store.append(delivery)));
  const used = process.cpuUsage(started);
  await store.close();
  return [
    { step: "HTTP", us: await httpCost() },
    { step: "verify", us: verify },
    { step: "read", us: read },
    { step: "store", us: round((used.user + used.system) / runs) },
  ];
}

function madeUp(): Delivery[] {
  const request = retellEvents("/webhooks/bench/retell", apiKey, { callers: 3_000, prefix: "steps" });
  return Array.from({ length: runs }, (_, n) => {
    const text = request(n).toString();
    const [head = "", body = ""] = text.split("\r\n\r\n");
    const signature = /x-retell-signature: (.*)/.exec(head)?.[1] ?? "";
    return {
      installation: "bench",
      provider: "retell",
      receivedAt: new Date().toISOString(),
      method: "POST",
      url: "/webhooks/bench/retell",
      headers: { "content-type": "application/json", "x-retell-signature": signature },
      body: Buffer.from(body),
    };
  });
}

async function timed(step: (i: number) => void): Promise<number> {
  for (let i = 0; i < 2_000; i++) step(i);
  await setImmediate();
  const started = performance.now();
  for (let i = 0; i < runs; i++) step(i);
  return round(((performance.now() - started) * 1000) / runs);
}

/** A server of Node's own that reads the body and answers; the client's share of this process is taken off by halves. */
async function httpCost(): Promise<number> {
  const server = createServer((request, response) => {
    request.resume().on("end", () => response.writeHead(200, { "content-length": 11 }).end('{"ok":true}'));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const started = process.cpuUsage();
  const request = retellEvents("/", apiKey, { callers: 10, prefix: "http" });
  const { sent } = await load({ port, path: "/", connections: 64, seconds: 2, request, prepare: 60_000 });
  const used = process.cpuUsage(started);
  server.closeAllConnections();
  server.close();
  return round((used.user + used.system) / sent / 2);
}

function round(us: number): number {
  return Math.round(us * 10) / 10;
}
