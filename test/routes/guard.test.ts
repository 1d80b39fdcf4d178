import { request as httpRequest } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createPages } from "../../src/app.ts";
import { mountedRoutes } from "../support/routes.ts";
import { startServer, type TestServer } from "../support/server.ts";

/** Whoever adds a route decides here who may use it; a route that is not named fails the first test. */
const guards: Record<string, "open" | "admin"> = {
  "GET /": "admin",
  "GET /style.css": "open",
  // Who it is is not known yet.
  "GET /login": "open",
  "POST /login": "open",
  "GET /login.css": "open",
  // Its token is its guard, and is good once.
  "GET /login/link": "open",
  "POST /login/link": "open",
  // The other site's answer, in the browser that began, is its guard.
  "GET /login/:way": "open",
  "GET /login/:way/callback": "open",
  "POST /api/links": "admin",
  "POST /logout": "admin",
  "GET /api/audit": "admin",
  "GET /api/audit/export": "admin",
  "GET /api/session": "admin",
  "GET /api/sessions": "admin",
  "DELETE /api/sessions/:id": "admin",
  // Its unguessable token is its guard: a CRM's player sends no password.
  "GET /recordings/:token": "open",
  "GET /transcripts/:token": "open",
  // Only the CRM was told the secret in it.
  "GET /recordings/of/:crm/:secret/:callId": "open",
  // An administrator of a CRM is no administrator of ours: their consent at the CRM is the guard.
  "GET /install/:crm": "open",
  "GET /install/:crm/callback": "open",
  // The CRM's signature is its guard.
  "POST /webhooks/:crm": "open",
  "GET /healthz": "open",
  "GET /readyz": "open",
  "GET /metrics": "admin",
  "GET /calls": "admin",
  "GET /calls/:key": "admin",
  "GET /failures": "admin",
  "GET /setup": "admin",
  "GET /live": "admin",
  "GET /mapping": "admin",
  "GET /mapping/:name": "admin",
  // The code of the console is the same for everyone.
  "GET /assets/:file": "open",
  "GET /icon.svg": "open",
  "GET /api/calls": "admin",
  "GET /api/calls.csv": "admin",
  "GET /api/deliveries/:id": "admin",
  "GET /api/installations/:name/contacts": "admin",
  "GET /api/installations/:name/checklist": "admin",
  "POST /api/installations/:name/check": "admin",
  "POST /api/installations/:name/providers/:provider/test": "admin",
  "POST /api/calls/:key/contact": "admin",
  "POST /api/calls/:key/replay": "admin",
  "GET /api/calls/:key": "admin",
  "POST /api/calls/:key/retry": "admin",
  "DELETE /api/calls/:key/recording": "admin",
  "POST /api/calls/:key/recording/link": "admin",
  "GET /api/dead": "admin",
  "GET /api/dead/groups": "admin",
  "PUT /api/installations/:name/ignored-failures/:group": "admin",
  "DELETE /api/installations/:name/ignored-failures/:group": "admin",
  "POST /api/retries": "admin",
  "GET /api/retries": "admin",
  "GET /api/retries/:id": "admin",
  "DELETE /api/retries/:id": "admin",
  "GET /api/unused": "admin",
  "GET /api/installations": "admin",
  "DELETE /api/installations/:name": "admin",
  "GET /api/installations/:name/export": "admin",
  "GET /api/installations/:name/settings": "admin",
  "PUT /api/installations/:name/settings": "admin",
  "GET /api/installations/:name/mapping": "admin",
  "PUT /api/installations/:name/mapping": "admin",
  "GET /api/installations/:name/mapping/versions": "admin",
  "GET /api/installations/:name/mapping/versions/:number": "admin",
  "POST /api/installations/:name/mapping/versions/:number/restore": "admin",
  "GET /api/installations/:name/mapping/vocabulary": "admin",
  "GET /api/installations/:name/mapping/apply": "admin",
  "POST /api/installations/:name/mapping/apply": "admin",
  "DELETE /api/installations/:name/mapping/apply": "admin",
  "GET /api/installations/:name/fields": "admin",
  "GET /api/events": "admin",
  "GET /api/openapi.json": "admin",
};

describe("the guards", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ environment: { SWITCHHOOK_ADMIN_TOKEN: "the-admin-token-1" } });
  });
  afterAll(() => server.stop());

  test("are decided for every route there is", () => {
    expect(mountedRoutes(server).sort()).toEqual(Object.keys(guards).sort());
  });

  test("are in no middleware that could answer by itself", () => {
    const others = createPages(server.parts).router.stack.filter(({ route }) => !route);
    expect(others).toHaveLength(3); // helmet, nothing found, the error handler
  });

  test.each(Object.entries(guards))("hold for %s: %s", async (route, guard) => {
    const [method = "", path = ""] = route.split(" ");
    const url = `${server.url}${path.replace(/:\w+/g, "acme")}`;
    const stranger = await fetch(url, { method });
    expect(stranger.status === 401).toBe(guard === "admin");
    await stranger.body?.cancel();
    if (guard === "open") return;
    const head = await fetch(url, { method: "HEAD" });
    expect(head.status).toBe(401);
    const admin = await fetch(url, { method, headers: { authorization: "Bearer the-admin-token-1" } });
    expect(admin.status).not.toBe(401);
    await admin.body?.cancel();
  });

  test.each([
    ["a wrong Bearer token", "Bearer the-admin-token-2"],
    ["an empty one", "Bearer "],
    ["a token without its scheme", "the-admin-token-1"],
    ["the token as the user of Basic auth", `Basic ${btoa("the-admin-token-1:")}`],
    ["nonsense", "Basic %%%"],
  ])("refuse %s and say what to do", async (_, authorization) => {
    const response = await fetch(`${server.url}/api/calls`, { headers: { authorization } });
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toMatch(/^Basic/);
    expect(await response.json()).toEqual({ error: expect.stringContaining("SWITCHHOOK_ADMIN_TOKEN") });
  });

  test("take the token as the password of Basic auth, colons included, and never from the URL", async () => {
    const authorization = `Basic ${btoa("anyone:the-admin-token-1")}`;
    expect((await fetch(`${server.url}/api/calls`, { headers: { authorization } })).status).toBe(200);
    expect((await fetch(`${server.url}/api/calls?token=the-admin-token-1`)).status).toBe(401);
  });

  test("refuse what another site's page wants to change with the browser's own password", async () => {
    const authorization = `Basic ${btoa("anyone:the-admin-token-1")}`;
    const headers = { authorization, "sec-fetch-site": "cross-site" };
    const response = await fetch(`${server.url}/api/calls/x/retry`, { method: "POST", headers });
    expect(response.status).toBe(403);
  });
});

describe("without an admin token", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ file: { publicUrl: "http://localhost:8484" } });
  });
  afterAll(() => server.stop());

  /** fetch does not let anybody choose these headers. */
  const ask = (headers: Record<string, string>, method = "GET", path = "/api/calls") =>
    new Promise<number>((resolve, reject) => {
      const request = httpRequest(`${server.url}${path}`, { method, headers }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      request.on("error", reject).end();
    });

  test.each(["localhost", "LOCALHOST:8484", "127.0.0.1:1", "[::1]:8484"])(
    "this machine may ask as %s",
    async (host) => {
      expect(await ask({ host })).toBe(200);
    },
  );

  test.each(["evil.example", "localhost.evil.example", "127.0.0.1.nip.io:8484", "10.0.0.5"])(
    "a name that was rebound to this machine is refused: %j",
    async (host) => {
      expect(await ask({ host })).toBe(403);
    },
  );

  test("what a proxy passes on is refused, whoever it says it is from", async () => {
    expect(await ask({ host: "localhost", "x-forwarded-for": "127.0.0.1" })).toBe(403);
    expect(await ask({ host: "localhost", forwarded: "for=127.0.0.1" })).toBe(403);
  });

  test.each([
    [{ "sec-fetch-site": "cross-site" }, 403],
    [{ "sec-fetch-site": "same-site" }, 403],
    [{ origin: "https://evil.example" }, 403],
    [{ origin: "null" }, 403],
    [{ origin: "http://localhost" }, 404],
    [{ "sec-fetch-site": "same-origin", origin: "http://localhost" }, 404],
    [{}, 404],
  ])("a change with %j gets %i", async (headers, status) => {
    expect(await ask({ host: "localhost", ...headers }, "POST", "/api/calls/x/retry")).toBe(status);
  });
});
