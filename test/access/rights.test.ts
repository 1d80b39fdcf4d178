import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { waitFor } from "../support/server.ts";
import { browserAt, token } from "./browsers.ts";
import {
  callKey,
  customer,
  type Operation,
  objectsOfAcme,
  startTwoAccounts,
  type Visitor,
} from "./two-accounts.ts";

let world: Awaited<ReturnType<typeof startTwoAccounts>>;
let ofAcme: Awaited<ReturnType<typeof objectsOfAcme>>;
let guarded: Operation[];
beforeAll(async () => {
  world = await startTwoAccounts();
  await world.invite("acme", "viewer");
  ofAcme = await objectsOfAcme(world.server, world.operator);
  guarded = world.operations.filter(({ isOpen }) => !isOpen);
});
afterAll(() => world.server.stop());

const json = { headers: { "content-type": "application/json" }, body: "{}" };
const ask = async (visitor: Visitor, method: string, path: string) => {
  const answer = await visitor.ask(method, path, method === "GET" ? {} : json);
  return { status: answer.status, text: await answer.text() };
};
const hasObject = ({ path }: Operation) => path.includes("{");
/** Its answer has no end. */
const isStream = ({ path }: Operation) => path === "/api/events";

test("there are routes of all kinds", () => {
  expect(guarded.length).toBeGreaterThan(20);
  expect(guarded.filter(hasObject).length).toBeGreaterThan(8);
  for (const { needs, path } of guarded) expect(needs.length, path).toBeGreaterThan(0);
});

test("a stranger gets nothing of any route", async () => {
  for (const { method, path } of guarded) {
    const { status, text } = await ask(browserAt(world.server), method, ofAcme(path));
    expect([status, text], path).toEqual([401, expect.stringContaining("sign in at /login")]);
  }
});

test("of another account nothing exists, whatever the right that a route needs", async () => {
  const other = await world.invite("globex", "admin", true);
  for (const { method, path } of guarded.filter(hasObject)) {
    const there = await ask(other, method, ofAcme(path));
    expect(there.status, `${method} ${path}`).toBe(404);
    // What does not exist at all looks the same.
    const nothing = (text: string) => text.replace(/\b(acme|nobody)\b|\b\d{1,16}\b|[\w-]{43}/g, "…");
    const missing = ofAcme(path)
      .replace("acme", "nobody")
      .replace(/sessions\/.*/, `sessions/${"x".repeat(43)}`)
      .replace(/deliveries\/.*/, "deliveries/987654321")
      .replace(/retries\/.*/, `retries/${"x".repeat(43)}`);
    const elsewhere = await ask(other, method, missing);
    expect([elsewhere.status, nothing(elsewhere.text)], missing).toEqual([404, nothing(there.text)]);
  }
});

test("lists have nothing of another account, whether they are asked for it or not", async () => {
  const other = await world.invite("globex", "admin", true);
  const lists = guarded.filter((one) => one.method === "GET" && !hasObject(one) && !isStream(one));
  for (const { path, query, needs } of lists) {
    const { status, text } = await ask(other, "GET", path);
    expect(status, path).toBe(needs.includes("operator") ? 403 : 200);
    expect(text, path).not.toMatch(/acme|Asha|Piet|retell:one/);
    expect(text, path).not.toContain(customer);
    if (!query.includes("installation")) continue;
    for (const name of ["acme", "nobody"])
      expect((await ask(other, "GET", `${path}?installation=${name}`)).status, path).toBe(404);
  }
});

test("a viewer, and an administrator without recordings, get what their rights allow, and no more", async () => {
  const people = [
    { visitor: await world.invite("acme", "viewer"), rights: ["view"] },
    { visitor: await world.invite("acme", "viewer", true), rights: ["view", "listen"] },
    { visitor: await world.invite("acme", "admin"), rights: ["view", "raw", "admin"] },
  ];
  for (const { visitor, rights } of people)
    for (const one of guarded.filter(({ path }) => path !== "/logout")) {
      if (isStream(one) || one.method === "DELETE") continue;
      const isAllowed = one.needs.every((right) => rights.includes(right));
      const { status, text } = await ask(visitor, one.method, ofAcme(one.path));
      expect(status === 403, `${rights} ${one.method} ${one.path}: ${status} ${text.slice(0, 100)}`).toBe(
        !isAllowed,
      );
    }
});

describe("what is seen of a call", () => {
  const path = `/api/calls/${encodeURIComponent(callKey)}`;

  test("has no link to its recording for those who may not listen", async () => {
    const link = /recordings\/[\w-]{10,}/;
    const listener = await world.invite("acme", "admin", true);
    expect((await ask(listener, "GET", path)).text).toMatch(link);
    for (const role of ["admin", "viewer"]) {
      const { text } = await ask(await world.invite("acme", role), "GET", path);
      expect(text).not.toMatch(link);
      expect(JSON.parse(text)).toMatchObject({ call: { key: callKey } });
    }
  });
});

describe("live calls", () => {
  test("are those of one's own account, until the session ends", async () => {
    const other = await world.invite("globex", "viewer");
    const cookie = [...other.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const stopping = new AbortController();
    const answer = await fetch(`${world.server.url}/api/events`, {
      headers: { cookie },
      signal: stopping.signal,
    });
    expect(answer.status).toBe(200);
    let text = "";
    const reading = (async () => {
      for await (const part of answer.body ?? []) text += Buffer.from(part).toString();
    })().catch(() => {});
    const live = (installation: string) =>
      world.server.parts.live.publish([
        { key: `${installation}:x`, installation, revision: 1, state: "open" },
      ] as never);
    live("acme");
    live("globex");
    await waitFor("a live call", () => text.includes("globex:x"));
    expect(text).not.toContain("acme");
    stopping.abort();
    await reading;
  });
});

test("the admin token of a machine is an operator, as a Bearer token and as a password", async () => {
  for (const authorization of [`Bearer ${token}`, `Basic ${btoa(`any:${token}`)}`]) {
    const answer = await fetch(`${world.server.url}/api/session`, { headers: { authorization } });
    expect(await answer.json()).toMatchObject({ role: "operator", signedInBy: "token" });
  }
});
