import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pathToGoTo } from "../../src/routes/enter.ts";
import { relativeTo } from "../../src/routes/guard.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { browserAt, token } from "./browsers.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ environment: { SWITCHHOOK_ADMIN_TOKEN: token } });
});
afterAll(() => server.stop());

const page = "text/html,application/xhtml+xml";

describe("without a session", () => {
  test.each([
    ["/", "./login?next=%2F"],
    ["/api/calls?state=dead", "../login?next=%2Fapi%2Fcalls%3Fstate%3Ddead"],
    ["/api/installations/acme/mapping", "../../../login?next=%2Fapi%2Finstallations%2Facme%2Fmapping"],
  ])("a browser that opens %s is sent to sign in", async (path, location) => {
    const answer = await browserAt(server).get(path, { accept: page });
    expect([answer.status, answer.headers.get("location")]).toEqual([303, location]);
    expect(answer.headers.get("www-authenticate")).toBeNull();
  });

  test("a page's own request gets 401 and no dialog of the browser", async () => {
    const answer = await browserAt(server).get("/api/calls", {
      "sec-fetch-site": "same-origin",
      accept: "*/*",
    });
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toBe('Bearer realm="Switchhook"');
    expect(await answer.json()).toEqual({ error: expect.stringContaining("sign in at /login") });
  });
});

describe("the login page", () => {
  test.each([
    ["nl-NL,nl;q=0.9,en;q=0.8", "nl", "Inloggen"],
    ["en-GB", "en", "Sign in"],
    ["de-DE", "en", "Sign in"],
    ["", "en", "Sign in"],
  ])("speaks the language of a browser with %j", async (language, lang, word) => {
    const answer = await browserAt(server).get("/login", { "accept-language": language });
    const text = await answer.text();
    expect(text).toContain(`<html lang="${lang}">`);
    expect(text).toContain(`<h1>${word}</h1>`);
  });

  test("has no script, and allows none", async () => {
    const answer = await browserAt(server).get("/login");
    expect(await answer.text()).not.toMatch(/<script|\son\w+=|style="/);
    const policy = answer.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toContain("unsafe-");
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.headers.get("referrer-policy")).toBe("same-origin");
  });

  test("says what to do about a wrong token, keeps where to go, and slows down who guesses", async () => {
    const browser = browserAt(server);
    const wrong = await browser.post(
      "/login",
      { token: "wrong", next: "/api/dead" },
      { "accept-language": "nl" },
    );
    const text = await wrong.text();
    expect([wrong.status, text]).toEqual([401, expect.stringContaining("SWITCHHOOK_ADMIN_TOKEN")]);
    expect(text).toContain("Dit is niet het beheerderstoken");
    expect(text).toContain('name="next" value="/api/dead"');
    expect(text).not.toContain('"wrong"');
    for (let i = 0; i < 3; i += 1) await browser.post("/login", { token: "wrong" });
    const start = performance.now();
    await browser.post("/login", { token: "wrong" });
    expect(performance.now() - start).toBeGreaterThan(390);
    expect((await browser.post("/login", { token })).status).toBe(303);
  });

  test("takes no sign-in from another site", async () => {
    const browser = browserAt(server);
    expect((await browser.post("/login", { token }, { origin: "https://evil.example" })).status).toBe(403);
    expect((await browser.post("/login", { token }, { "sec-fetch-site": "cross-site" })).status).toBe(403);
    expect((await browser.post("/login", { token }, { host: "evil.example" })).status).toBe(403);
    const plain = await browser.ask("POST", "/login", {
      headers: { "content-type": "application/json" },
      body: "{}",
    });
    expect(plain.status).toBe(415);
  });

  test("takes the browser off its session cookie at the end", async () => {
    const browser = browserAt(server);
    await browser.post("/login", { token });
    expect(browser.cookies.size).toBe(1);
    const out = await browser.post("/logout", {}, { accept: page });
    expect([out.status, out.headers.get("location")]).toEqual([303, "./login?out=1"]);
    expect(browser.cookies.size).toBe(0);
    expect(await (await browser.get("/login?out=1")).text()).toContain("You have signed out");
  });
});

test("where to go on to is a path of ours, whatever is put there", () => {
  for (const path of ["/", "/calls?state=dead&q=%2B31", "/api/calls/acme%3Avoys%3A1"])
    expect(pathToGoTo(path)).toBe(path);
  const others = [
    ...[
      "//evil.example",
      "https://evil.example",
      "/\\evil.example",
      "\\\\evil.example",
      "javascript:alert(1)",
    ],
    ...[
      "/\t/evil.example",
      "",
      "calls",
      undefined,
      ["/a"],
      "/login?next=/login",
      "/logout",
      `/${"x".repeat(3_000)}`,
    ],
  ];
  for (const other of others) expect(pathToGoTo(other), String(other).slice(0, 40)).toBe("/");
  // A path that looks like a host stays on our own.
  for (const sly of ["/..//evil.example", "/.//evil.example/x", "/%2F%2Fevil.example"])
    expect(new URL(relativeTo("/login", pathToGoTo(sly)), "https://ours.example/login").host).toBe(
      "ours.example",
    );
});
