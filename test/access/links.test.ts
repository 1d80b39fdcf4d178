import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { browserAt, token } from "./browsers.ts";

describe("a one-time link", () => {
  let server: TestServer;
  let now = Date.parse("2026-11-29T10:00:00Z");
  beforeAll(async () => {
    server = await startServer({ environment: { SWITCHHOOK_ADMIN_TOKEN: token }, now: () => now });
  });
  afterAll(() => server.stop());

  const operator = async () => {
    const browser = browserAt(server);
    await browser.post("/login", { token });
    return browser;
  };
  const make = async (given: object = {}) => {
    const wanted = { installation: "acme", role: "viewer", name: "Noor", ...given };
    const answer = await (await operator()).postJson("/api/links", wanted);
    return { status: answer.status, body: (await answer.json()) as { url: string; expiresAt: string } };
  };
  const tokenIn = (url: string) => new URL(url).searchParams.get("token") ?? "";
  const open = async (url: string) => {
    const browser = browserAt(server);
    const answer = await browser.post("/login/link", { token: tokenIn(url) });
    return { browser, answer };
  };

  test("opens one session for one installation", async () => {
    const { status, body } = await make();
    expect(status).toBe(201);
    expect(Date.parse(body.expiresAt) - now).toBe(60_000);
    const { browser, answer } = await open(body.url);
    expect([answer.status, answer.headers.get("location")]).toEqual([303, "../"]);
    expect(await (await browser.get("/api/session")).json()).toMatchObject({
      ...{ role: "viewer", name: "Noor", installation: "acme", signedInBy: "link" },
      rights: { listen: false, raw: false, admin: false, operate: false },
    });
    expect((await open(body.url)).answer.status).toBe(410);
  });

  test("shows what it opens without using it up, for programs look at links ahead of people", async () => {
    const { body } = await make();
    const { pathname, search } = new URL(body.url);
    for (let i = 0; i < 2; i += 1) {
      const page = await browserAt(server).get(`${pathname}${search}`);
      expect([page.status, await page.text()]).toEqual([
        200,
        expect.stringContaining("signs you in as Noor"),
      ]);
    }
    expect((await open(body.url)).answer.status).toBe(303);
    const used = await browserAt(server).get(`${pathname}${search}`);
    expect([used.status, await used.text()]).toEqual([410, expect.stringContaining("used already")]);
  });

  test("opens one of two browsers that use it at once", async () => {
    const { body } = await make();
    const both = await Promise.all([open(body.url), open(body.url)]);
    expect(both.map(({ answer }) => answer.status).sort()).toEqual([303, 410]);
  });

  test("is good for 60 seconds", async () => {
    const { body } = await make();
    now += 60_000;
    expect((await open(body.url)).answer.status).toBe(410);
  });

  test("is stored as a digest only", async () => {
    const { body } = await make();
    const { store } = server.parts.flow;
    expect(await store.link(tokenIn(body.url))).toBeUndefined();
  });

  test("gives no more rights than its maker has, and for no other installation", async () => {
    const { body } = await make({ role: "admin" });
    const { browser: admin } = await open(body.url);
    const wanted = { installation: "acme", role: "admin", name: "Piet" };
    const status = async (given: object) =>
      (await admin.postJson("/api/links", { ...wanted, ...given })).status;
    expect(await status({})).toBe(201);
    expect(await status({ listen: true })).toBe(403);
    expect(await status({ installation: "other" })).toBe(404);
    expect(await status({ role: "operator" })).toBe(400);
    const { body: seen } = await make();
    const { browser: viewer } = await open(seen.url);
    expect((await viewer.postJson("/api/links", wanted)).status).toBe(403);
  });
});
