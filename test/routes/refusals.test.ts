import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createRefusals } from "../../src/access/refusals.ts";
import { openRaw, statusIn } from "../support/raw-client.ts";
import { startServer, type TestServer } from "../support/server.ts";

const token = "the-admin-token-1";
let server: TestServer;
const warnings: { facts: object; sentence: string }[] = [];
beforeEach(async () => {
  warnings.length = 0;
  const warn = (facts: object, sentence: string) => void warnings.push({ facts, sentence });
  server = await startServer({ environment: { SWITCHHOOK_ADMIN_TOKEN: token }, log: { warn } });
});
afterEach(() => server.stop());

const ask = (given?: string, path = "/api/calls") =>
  fetch(`${server.url}${path}`, { ...(given && { headers: { authorization: `Bearer ${given}` } }) });

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

describe("wrong admin tokens", () => {
  test("are counted, and logged once a minute without the token", async () => {
    for (let i = 0; i < 4; i += 1) expect((await ask("a-wrong-token-of-mine")).status).toBe(401);
    expect((await ask()).status).toBe(401);
    const figures = await (await ask(token, "/metrics")).text();
    expect(figures).toContain("switchhook_admin_refused_total 4");
    const said = warnings.filter(({ sentence }) => sentence.includes("admin token"));
    expect(said).toHaveLength(1);
    expect(JSON.stringify(said)).not.toContain("a-wrong-token-of-mine");
  });

  test("are answered more and more slowly, and hold up nobody with the right one", async () => {
    for (let i = 0; i < 4; i += 1) await ask("wrong");
    // A pause is never shorter than it is told to be, however busy the machine is.
    expect(await secondsOf(() => ask("wrong"))).toBeGreaterThan(0.39);
    expect(await secondsOf(() => ask("wrong"))).toBeGreaterThan(0.79);
    const answered: string[] = [];
    const late = ask("wrong").then(() => answered.push("wrong"));
    expect((await ask(token)).status).toBe(200);
    answered.push("right");
    await late;
    expect(answered).toEqual(["right", "wrong"]);
  });

  test("do not pile up: the 51st that waits is told to come back", async () => {
    let counted = 0;
    const { refused } = createRefusals({ now: () => 0, log: { warn() {} }, count: () => (counted += 1) });
    const all = Array.from({ length: 60 }, () =>
      refused("203.0.113.1").then(
        () => 401,
        () => 429,
      ),
    );
    const statuses = await Promise.all(all);
    expect(statuses.filter((status) => status === 429)).toHaveLength(60 - 3 - 50);
    expect(counted).toBe(60);
  });

  test("of many addresses take a bounded amount of memory", async () => {
    const { refused } = createRefusals({ now: () => 0, log: { warn() {} }, count() {} });
    for (let i = 0; i < 3; i += 1) await refused("203.0.113.1");
    for (let i = 0; i < 1_000; i += 1) await refused(`10.0.${i >> 8}.${i & 255}`);
    const last = "10.0.3.231";
    for (let i = 0; i < 2; i += 1) await refused(last);
    const remembered = refused(last).then(() => "remembered");
    const forgotten = refused("203.0.113.1").then(() => "forgotten");
    expect(await Promise.race([remembered, forgotten])).toBe("forgotten");
    await remembered;
  });
});

describe("a request whose host is doubtful is refused", () => {
  const raw = async (head: string[]) => {
    const client = await openRaw(server.url);
    client.write([...head, "connection: close", "", ""].join("\r\n"));
    return client.closed;
  };
  const admin = `authorization: Bearer ${token}`;

  test.each(["/api/calls", "/webhooks/acme/voys?key=voys-secret", "/healthz"])("at %s", async (path) => {
    const two = await raw([`GET ${path} HTTP/1.1`, "host: localhost", "Host: evil.example", admin]);
    expect(statusIn(two)).toBe(400);
    expect(two).toContain("more than one Host header");
    const absolute = await raw([`GET http://evil.example${path} HTTP/1.1`, "host: localhost", admin]);
    expect(statusIn(absolute)).toBe(400);
    expect(absolute).toContain("nosniff");
    expect(statusIn(await raw([`GET ${path} HTTP/1.1`, "host: localhost", admin]))).not.toBe(400);
  });
});

describe("answers", () => {
  test("of guarded routes are no cache's to keep, refusals included", async () => {
    for (const path of ["/", "/api/calls", "/api/nothing", "/api/openapi.json", "/metrics"])
      for (const given of [token, undefined]) {
        const response = await ask(given, path);
        await response.body?.cancel();
        expect(response.headers.get("cache-control"), path).toBe("no-store");
      }
  });

  test("of the door are not to be guessed at by browsers", async () => {
    for (const key of ["voys-secret", "wrong"]) {
      const url = `${server.url}/webhooks/acme/voys?key=${key}`;
      const response = await fetch(url, { method: "POST", body: "{}" });
      expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    }
  });
});
