import { afterAll, beforeAll, expect, test } from "vitest";
import { browserAt } from "../access/browsers.ts";
import { openInstancesWorld } from "../support/instances-world.ts";
import { client, startIssuer } from "../support/oidc-issuer.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { seeded } from "../support/random.ts";

const token = "the-admin-token-of-the-instances";

let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

test("a session, a link and a sign-in begun at one instance are those of all, and end at all", async () => {
  const issuer = await startIssuer();
  const publicUrl = "https://hooks.example.com";
  const oidc = { ...client, issuer: issuer.url, allow: [{ domain: "example.com", role: "viewer" }] };
  const { instances, store } = await openInstancesWorld({
    postgres,
    random: seeded(1),
    instances: 2,
    crms: { acme: "HubSpot" },
    file: { publicUrl, signIn: { oidc } },
    environment: { SWITCHHOOK_ADMIN_TOKEN: token },
  });
  const [one = "", two = ""] = instances.map(({ url }) => url);
  // The balancer sends a browser now here, now there.
  const balancer = { url: one };
  const via = <T>(url: string, work: () => T): T => {
    balancer.url = url;
    return work();
  };
  const operator = browserAt(balancer);
  await via(one, () => operator.post("/login", { token }));
  expect((await via(two, () => operator.get("/api/session"))).status).toBe(200);

  const made = await operator.postJson("/api/links", { installation: "acme", role: "viewer", name: "Noor" });
  const { url } = (await made.json()) as { url: string };
  const opening = [one, two].map(async (at) => {
    const browser = browserAt({ url: at });
    const answer = await browser.post("/login/link", { token: new URL(url).searchParams.get("token") ?? "" });
    return { browser, status: answer.status };
  });
  const opened = await Promise.all(opening);
  expect(opened.map(({ status }) => status).sort()).toEqual([303, 410]);

  const person = browserAt(balancer);
  const begun = await via(one, () => person.get("/login/oidc"));
  const consented = await fetch(begun.headers.get("location") ?? "", { redirect: "manual" });
  const back = new URL(consented.headers.get("location") ?? "");
  expect((await via(two, () => person.get(`${back.pathname}${back.search}`))).status).toBe(303);
  expect((await via(one, () => person.get("/api/session"))).status).toBe(200);

  const ended = (await store.sessions(Date.now())).find(({ signedInBy }) => signedInBy === "oidc");
  expect((await via(one, () => operator.delete(`/api/sessions/${ended?.id}`))).status).toBe(200);
  expect((await via(two, () => person.get("/api/session"))).status).toBe(401);
  expect((await via(two, () => operator.get("/api/session"))).status).toBe(200);

  const { items } = (await (await operator.get("/api/audit")).json()) as { items: { action: string }[] };
  expect(items.map(({ action }) => action)).toEqual([
    "DELETE /api/sessions/:id",
    "GET /login/oidc/callback",
    "POST /login/link",
    "POST /api/links",
    "POST /login",
  ]);
  await issuer.stop();
}, 120_000);
