import { setTimeout as pause } from "node:timers/promises";
import { generatedContact } from "@switchhook/emulators/hubspot";
import { proceduralNumber } from "@switchhook/emulators/salesforce";
import { startEmulator, startOurs, watch } from "./child.ts";
import { load, retellEvents, retellQuestions } from "./load.ts";

export const crms = ["hubspot", "salesforce"] as const;
export type Crm = (typeof crms)[number];

const path = "/webhooks/bench/retell";
const apiKey = "bench-retell-key";
const realLimits = { general: 110, perMs: 10_000, search: 5, searchPerMs: 1_000 };

const settingsOf = (crm: Crm, url: string) =>
  crm === "hubspot"
    ? { type: crm, token: "hubspot-token", apiUrl: url }
    : { type: crm, accessToken: "salesforce-token", apiUrl: url };

const numberOf = (crm: Crm) => (index: number) =>
  crm === "hubspot" ? generatedContact(index).number : proceduralNumber(index);

type Counts = Record<string, number>;

async function countsOf(url: string): Promise<Counts> {
  const response = await fetch(`${url}/_emulator/requests`);
  const requests = (await response.json()) as { kind: string; status: unknown }[];
  const counts: Counts = {};
  for (const { kind, status } of requests) {
    const name = status === 429 || status === 403 ? `${kind} refused` : kind;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/**
 * Ended calls wait while we are down; then we start with an empty index, and all of them go into the CRM under its real
 * limits, each request taking 100 ms. `allowed`: the least seconds that the limits themselves need for these requests.
 */
export async function drainInto(crm: Crm, folder: string, calls: number, callers: number) {
  const limits = crm === "hubspot" ? { limits: realLimits } : { accessToken: "salesforce-token" };
  const emulator = await startEmulator(crm, { ...limits, contacts: callers, latencyMs: 100, region: "NL" });
  const settings = settingsOf(crm, emulator.url);
  const door = await startOurs({ folder, lanes: false, crm: settings });
  const all = retellEvents(path, apiKey, { callers, prefix: `into-${crm}`, numberOf: numberOf(crm) });
  const request = (n: number) => all(n * 3 + 1);
  const sent = await load({ port: door.port, path, connections: 32, seconds: 60, count: calls, request });
  await door.stop();
  const started = performance.now();
  const server = await startOurs({ folder, lanes: true, crm: settings, keep: true });
  const stopWatching = watch(server);
  for (let quiet = 0; quiet < 3 && performance.now() - started < 180_000; ) {
    await pause(100);
    quiet = (await server.sample()).undone === 0 ? quiet + 1 : 0;
  }
  const seconds = (performance.now() - started - 200) / 1000;
  const { rssMb } = await stopWatching();
  const counts = await countsOf(emulator.url);
  const logged = await loggedIn(emulator.url);
  await server.stop();
  await emulator.stop();
  const requests = sum(counts);
  // Salesforce has no limit per second: what its requests take, one after another, is the measure.
  const allowed = crm === "hubspot" ? leastSeconds(counts) : requests * 0.1;
  return { crm, calls: sent.ok, logged, seconds, allowed, requests, counts, rssMb };
}

function leastSeconds(counts: Counts): number {
  const search = counts["search"] ?? 0;
  const general = sum(counts) - search;
  const windows = (count: number, limit: number, perMs: number) =>
    (Math.floor(Math.max(0, count - 1) / limit) * perMs) / 1000;
  return Math.max(
    windows(general, realLimits.general, realLimits.perMs),
    windows(search, realLimits.search, realLimits.searchPerMs),
  );
}

async function loggedIn(url: string): Promise<number> {
  const state = (await (await fetch(`${url}/_emulator`)).json()) as { objects?: Record<string, number> };
  return state.objects?.["calls"] ?? state.objects?.["Task"] ?? 0;
}

/** HubSpot's own limits would take a quarter of an hour for a million contacts: here it gives five times as many. */
const hurry = 5;

/** All contacts of a large account come into an empty index while callers are answered. */
export async function syncAll(crm: Crm, folder: string, contacts: number) {
  const emulator = await startEmulator(crm, {
    ...(crm === "hubspot"
      ? { limits: { ...realLimits, general: realLimits.general * hurry } }
      : { accessToken: "salesforce-token", latencyMs: 100 }),
    contacts,
    region: "NL",
  });
  const server = await startOurs({ folder, lanes: true, crm: settingsOf(crm, emulator.url) });
  const stopWatching = watch(server);
  const started = performance.now();
  const ask = (mark: string, seconds: number) =>
    load({
      port: server.port,
      path,
      connections: 16,
      seconds,
      rate: 100,
      request: retellQuestions(path, apiKey, () => numberOf(crm)(7), `${mark}${Date.now()}`),
    });
  await ask("warm", 2);
  const asked = await ask("asked", 10);
  while (!(await server.sample()).synced && performance.now() - started < 1_800_000) await pause(250);
  const seconds = (performance.now() - started) / 1000;
  const { rssMb } = await stopWatching();
  const requests = sum(await countsOf(emulator.url));
  await server.stop();
  await emulator.stop();
  return { crm, contacts, seconds, requests, rssMb, asked };
}

function sum(counts: Counts): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
