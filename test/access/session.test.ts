import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { browserAt, token, tokenOf } from "./browsers.ts";

describe("the session of a browser", () => {
  let server: TestServer;
  let now = Date.parse("2026-11-29T10:00:00Z");
  beforeAll(async () => {
    server = await startServer({ environment: { SWITCHHOOK_ADMIN_TOKEN: token }, now: () => now });
  });
  afterAll(() => server.stop());

  const signIn = async (fields: Record<string, string> = {}) => {
    const browser = browserAt(server);
    const answer = await browser.post("/login", { token, ...fields });
    return { browser, answer };
  };

  test("begins with the admin token, in a cookie that no script and no other site gets", async () => {
    const { browser, answer } = await signIn({ next: "/api/calls?limit=5" });
    expect([answer.status, answer.headers.get("location")]).toEqual([303, "./api/calls?limit=5"]);
    expect(answer.headers.getSetCookie().join()).toMatch(
      /^__Host-switchhook=[\w-]{43}; Max-Age=\d+; Path=\/; .*HttpOnly; Secure; SameSite=Lax$/,
    );
    const session = await browser.get("/api/session");
    expect(await session.json()).toEqual({
      ...{ role: "operator", name: "admin token", signedInBy: "token", expiresAt: expect.any(String) },
      rights: { listen: true, raw: true, admin: true, operate: true },
    });
  });

  test("is stored as a digest only", async () => {
    const { answer } = await signIn();
    const stored = JSON.stringify(await server.parts.flow.store.sessions(now));
    expect(stored).not.toContain(tokenOf(answer));
    expect(stored).not.toContain(token);
  });

  test("lives on over a restart, and 12 hours after its last use, but no longer than a week", async () => {
    const { browser } = await signIn();
    const status = async () => (await browser.get("/api/session")).status;
    await server.restart();
    const start = now;
    for (let hours = 11; hours <= 165; hours += 11) {
      now = start + hours * 3_600_000;
      expect(await status(), `after ${hours} hours`).toBe(200);
    }
    now = start + 168.1 * 3_600_000;
    expect(await status()).toBe(401);
    const { browser: other } = await signIn();
    now += 12 * 3_600_000 + 1;
    expect((await other.get("/api/session")).status).toBe(401);
  });

  test("is not written at each request", async () => {
    const { browser } = await signIn();
    const { store } = server.parts.flow;
    const { touchSession } = store;
    let writes = 0;
    store.touchSession = (...given) => {
      writes += 1;
      return touchSession(...given);
    };
    for (let seconds = 0; seconds < 600; seconds += 60) {
      now += 60_000;
      expect((await browser.get("/api/session")).status).toBe(200);
    }
    expect(writes).toBe(2);
  });

  test("ends when it is signed out, and when an administrator ends it; others go on", async () => {
    const [one, two, three] = [await signIn(), await signIn(), await signIn()];
    expect((await one.browser.post("/logout", {}, { accept: "text/html" })).status).toBe(303);
    expect((await one.browser.get("/api/session")).status).toBe(401);
    const { items } = (await (await two.browser.get("/api/sessions")).json()) as {
      items: { id: string; current: boolean }[];
    };
    const mine = items.find(({ current }) => current)?.id ?? "";
    expect((await three.browser.delete(`/api/sessions/${mine}`)).status).toBe(200);
    expect((await two.browser.get("/api/session")).status).toBe(401);
    expect((await three.browser.get("/api/session")).status).toBe(200);
    expect((await three.browser.delete(`/api/sessions/${mine}`)).status).toBe(404);
  });

  test("ends when the admin token is replaced", async () => {
    const { browser } = await signIn();
    const other = { SWITCHHOOK_ADMIN_TOKEN: "another-admin-token" };
    await server.restartWith({ environment: other, now: () => now });
    expect((await browser.get("/api/session")).status).toBe(401);
    await server.restartWith({ environment: { SWITCHHOOK_ADMIN_TOKEN: token }, now: () => now });
    expect((await browser.get("/api/session")).status).toBe(200);
  });

  test("changes nothing at the request of another site's page, or under another name of ours", async () => {
    const { browser } = await signIn();
    const retry = async (headers: Record<string, string>) =>
      (await browser.post("/api/calls/acme:voys:x/retry", {}, headers)).status;
    expect(await retry({})).toBe(404);
    expect(await retry({ "sec-fetch-site": "cross-site" })).toBe(403);
    expect(await retry({ "sec-fetch-site": "same-origin", origin: "https://evil.example" })).toBe(403);
    expect(await retry({ origin: "https://evil.example" })).toBe(403);
    expect(await retry({ origin: "https://hooks.example.com" })).toBe(404);
    expect((await browser.get("/api/session", { host: "evil.example" })).status).toBe(403);
    expect((await browser.get("/api/session", { host: "hooks.example.com" })).status).toBe(200);
  });
});
