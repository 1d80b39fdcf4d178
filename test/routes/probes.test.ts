import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";

type Summary = { lines: number; kinds: object[] };

let server: TestServer;
let lines: { facts: object; sentence: string }[];
beforeEach(async () => {
  lines = [];
  const keep = (facts: object, sentence: string) => void lines.push({ facts, sentence });
  const now = Date.now();
  server = await startServer({ now: () => now, log: { info: keep, warn: keep, error: keep } });
  lines = [];
});
afterEach(() => server.stop());

const probe = async (path: string, method = "POST"): Promise<number> => {
  const response = await fetch(`${server.url}${path}`, { method });
  await response.arrayBuffer();
  return response.status;
};
const figures = async () => (await fetch(`${server.url}/metrics`)).text();
const turnedAway = () => lines.filter(({ sentence }) => sentence === "webhook turned away");
const refusedIn = (text: string) => text.split("\n").filter((line) => line.startsWith("switchhook_refused"));

async function probeMany(times: number): Promise<void> {
  for (let i = 0; i < times; i += 1) {
    expect(await probe("/webhooks/acme/voys?key=wrong")).toBe(401);
    expect(await probe(`/webhooks/made-up-${i}/other-${i}`)).toBe(404);
  }
}

describe("probes", () => {
  test("are all counted, and logged up to a bound that their number does not move", async () => {
    await probeMany(100);
    expect(turnedAway()).toHaveLength(100);
    await probeMany(100);
    expect(turnedAway()).toHaveLength(100);
    expect(refusedIn(await figures())).toEqual([
      'switchhook_refused_total{provider="voys",status="401"} 200',
      'switchhook_refused_total{provider="other",status="404"} 200',
    ]);
  });

  test("are summed up when the server stops, without the names that they made up", async () => {
    await probeMany(100);
    await server.restart();
    const [summary] = lines.flatMap(({ facts }) => ("kinds" in facts ? [facts as Summary] : []));
    expect(summary?.kinds).toHaveLength(2);
    expect(summary?.kinds).toEqual(
      expect.arrayContaining([
        { times: 50, sentence: "webhook turned away", status: 404 },
        { times: 50, sentence: "webhook turned away", status: 401, installation: "acme", provider: "voys" },
      ]),
    );
    expect(summary?.lines).toBe(100);
    expect(turnedAway()).toHaveLength(100);
  });

  test("of a store that fails are bounded, too, and do not hide what else fails", async () => {
    server.parts.recordings.find = () => Promise.reject(new Error("the disk is away"));
    server.parts.crmRecordings.answer = () => Promise.reject(new TypeError("a bug"));
    for (let i = 0; i < 300; i += 1) expect(await probe(`/transcripts/made-up-${i}`, "GET")).toBe(500);
    expect(await probe("/recordings/of/hubspot/secret/call", "GET")).toBe(500);
    expect(lines.filter(({ sentence }) => sentence === "a request failed")).toHaveLength(100);
    expect(lines.at(-1)?.sentence).toBe("a CRM's player got no recording");
  });
});
