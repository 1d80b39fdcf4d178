import { setTimeout as pause } from "node:timers/promises";
import { type Server, startBare, startOurs, watch } from "./child.ts";
import { numberOfContact } from "./fill.ts";
import { type LoadResult, load, retellEvents, retellQuestions } from "./load.ts";

const path = "/webhooks/bench/retell";
const apiKey = "bench-retell-key";
let runs = 0;

function events(): (n: number) => Buffer {
  runs += 1;
  return retellEvents(path, apiKey, { callers: 3_000, prefix: `r${process.pid}-${runs}` });
}

/** As many acknowledgements as 64 connections can get, after a second of warming up. */
async function acks(server: Server, seconds: number): Promise<LoadResult> {
  await load({ port: server.port, path, connections: 64, seconds: 1, request: events(), prepare: 30_000 });
  return load({
    port: server.port,
    path,
    connections: 64,
    seconds,
    request: events(),
    prepare: seconds * 40_000,
  });
}

export async function bareAcks(seconds: number): Promise<LoadResult> {
  const server = await startBare();
  const result = await acks(server, seconds);
  await server.stop();
  return result;
}

/** Durable acknowledgements: verified, read, stored. The lanes rest, so that this is the price of the door alone. */
export async function durableAcks(folder: string, seconds: number, keep: boolean) {
  const server = await startOurs({ folder, lanes: false, crm: "local", keep });
  const result = await acks(server, seconds);
  const { rssMb } = await server.sample();
  await server.stop();
  return { ...result, rssMb, startMs: server.startMs };
}

/** Acknowledgements at a steady rate after two seconds of warming up, of the door alone or with all `lanes` at work. */
export async function steadyAcks(
  folder: string,
  { lanes, rate, seconds }: { lanes: boolean; rate: number; seconds: number },
): Promise<LoadResult> {
  const server = await startOurs({ folder, lanes, crm: "local" });
  const run = (during: number) =>
    load({ port: server.port, path, connections: 64, seconds: during, rate, request: events() });
  await run(2);
  const result = await run(seconds);
  await server.stop();
  return result;
}

/** The whole route at a steady rate: decoding, folding and delivery to the local CRM keep up behind the door. */
export async function sustained(folder: string, rate: number, seconds: number) {
  const server = await startOurs({ folder, lanes: true, crm: "local" });
  const stopWatching = watch(server);
  const result = await load({ port: server.port, path, connections: 64, seconds, rate, request: events() });
  const worst = await stopWatching();
  const drainMs = await drained(server);
  await server.stop();
  return { ...result, ...worst, drainMs, offered: rate };
}

/** Inbound questions of known callers at 200/s while events come in at 500/s, after two seconds of warming up. */
export async function answers(folder: string, contacts: number, seconds: number) {
  const server = await startOurs({ folder, lanes: true, crm: "local", keep: true });
  const { port } = server;
  const numberOf = (n: number): string => numberOfContact((n * 7_919) % contacts);
  const both = (mark: string, during: number) =>
    Promise.all([
      load({
        port,
        path,
        connections: 16,
        seconds: during,
        rate: 200,
        request: retellQuestions(path, apiKey, numberOf, `${mark}${Date.now()}`),
      }),
      load({ port, path, connections: 32, seconds: during, rate: 500, request: events() }),
    ]);
  await both("warm", 2);
  const stopWatching = watch(server);
  const [asked, ingested] = await both("asked", seconds);
  const worst = await stopWatching();
  await server.stop();
  return { asked, ingested, ...worst };
}

/** Questions about callers whom only the CRM could know, and it never answers. */
export async function answersWhileCrmHangs(folder: string, seconds: number) {
  const server = await startOurs({ folder, lanes: true, crm: "hangs" });
  const numberOf = (n: number): string => `+1646555${String(n).padStart(4, "0")}`;
  const ask = (mark: string, during: number) =>
    load({
      port: server.port,
      path,
      connections: 64,
      seconds: during,
      rate: 30,
      request: retellQuestions(path, apiKey, numberOf, `${mark}${Date.now()}`),
    });
  await ask("warm", 3);
  const asked = await ask("hang", seconds);
  await server.stop();
  return asked;
}

/** Stores ended calls with the lanes at rest, then starts them and waits until the CRM has every one. */
export async function drain(folder: string, calls: number) {
  const door = await startOurs({ folder, lanes: false, crm: "local" });
  const all = retellEvents(path, apiKey, { callers: 3_000, prefix: "drain" });
  let sent = 0;
  await load({
    port: door.port,
    path,
    connections: 32,
    seconds: 60,
    count: calls,
    request: (n) => all(n * 3 + 1),
  }).then(({ ok }) => {
    sent = ok;
  });
  await door.stop();
  const started = performance.now();
  const server = await startOurs({ folder, lanes: true, crm: "local", keep: true });
  const stopWatching = watch(server);
  await drained(server);
  const seconds = (performance.now() - started) / 1000;
  const { rssMb } = await stopWatching();
  await server.stop();
  return { calls: sent, seconds, perSecond: Math.round(sent / seconds), rssMb };
}

/** Waits until nothing is left to decode or to log; gives the milliseconds that took. */
async function drained(server: Server): Promise<number> {
  const started = performance.now();
  for (let quiet = 0; quiet < 3 && performance.now() - started < 120_000; ) {
    await pause(100);
    const { undone } = await server.sample();
    quiet = undone === 0 ? quiet + 1 : 0;
  }
  return Math.round(performance.now() - started - 200);
}
