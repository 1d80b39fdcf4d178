import { generatedContact } from "@switchhook/emulators/hubspot";
import { startEmulator, startOurs } from "./child.ts";
import { load, retellQuestions } from "./load.ts";

const path = "/webhooks/bench/retell";
const apiKey = "bench-retell-key";
const limits = { general: 110, perMs: 10_000, search: 5, searchPerMs: 1_000 };

/** How questions went; `found`: the CRM named the caller in time. */
export type UnknownCallers = {
  asked: number;
  failed: number;
  found: number;
  searches: number;
  p50: number;
  p99: number;
};

/**
 * Questions about callers whom HubSpot knows and our index does not, with HubSpot's real limits and 100 ms a request.
 * `callers`: how many different ones; each is asked about once unless there are fewer of them than questions.
 */
export async function unknownCallers(
  folder: string,
  { rate, seconds, callers }: { rate: number; seconds: number; callers: number },
): Promise<UnknownCallers> {
  const emulator = await startEmulator("hubspot", {
    limits,
    contacts: callers,
    latencyMs: 100,
    region: "NL",
  });
  const crm = { type: "hubspot", token: "hubspot-token", apiUrl: emulator.url };
  const server = await startOurs({ folder, lanes: false, crm });
  const numberOf = (n: number): string => generatedContact(n % callers).number;
  const request = retellQuestions(path, apiKey, numberOf, `unknown-${rate}-${callers}`);
  const count = rate * seconds;
  const asked = await load({
    port: server.port,
    path,
    connections: Math.min(count, 2 * rate),
    seconds: seconds + 5,
    rate,
    count,
    request,
  });
  const found = await foundIn(server.port);
  const searches = await searchesOf(emulator.url);
  await server.stop();
  await emulator.stop();
  return { asked: asked.sent, failed: asked.failed, found, searches, p50: asked.p50, p99: asked.p99 };
}

async function foundIn(port: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const counts = [...text.matchAll(/answer_seconds_count\{[^}]*source="(?:crm|index)"[^}]*\} (\d+)/g)];
  return counts.reduce((total, [, count]) => total + Number(count), 0);
}

async function searchesOf(url: string): Promise<number> {
  const requests = (await (await fetch(`${url}/_emulator/requests`)).json()) as { kind: string }[];
  return requests.filter(({ kind }) => kind === "search").length;
}
