import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { waitFor } from "../support/server.ts";
import { browserAt } from "./browsers.ts";
import { callKey, customer, objectsOfAcme, startTwoAccounts, type Visitor } from "./two-accounts.ts";

let world: Awaited<ReturnType<typeof startTwoAccounts>>;
let ahead = 0;
const now = () => Date.now() + ahead;
beforeAll(async () => {
  world = await startTwoAccounts(now);
});
afterAll(() => world.server.stop());

type Line = {
  id: number;
  who: string;
  action: string;
  object?: string;
  installation?: string;
  result?: number;
  change?: object;
};

/** The lines after one of them, once all of them have ended. */
const linesAfter = (id: number) =>
  waitFor("the lines to have ended", async () => {
    const found = (await world.server.parts.flow.store.auditLines({ limit: 1_000 })).filter(
      (line) => line.id > id,
    );
    return found.every(({ result }) => result !== undefined) && found.reverse();
  });
const newest = async () => (await world.server.parts.flow.store.auditLines({ limit: 1 }))[0]?.id ?? 0;

const json = { headers: { "content-type": "application/json" }, body: "{}" };

describe("every route that changes something", () => {
  test("writes exactly one line, refused or not, for everyone who is signed in", async () => {
    const changing = world.operations.filter(({ method, isOpen }) => method !== "GET" && !isOpen);
    expect(changing.length).toBeGreaterThan(8);
    await world.invite("acme", "viewer");
    for (const { method, path } of changing) {
      const people: [string, Visitor][] = [
        ["viewer of acme", await world.invite("acme", "viewer")],
        ["admin of globex", await world.invite("globex", "admin")],
        ["admin of acme", await world.invite("acme", "admin", true)],
      ];
      const filled = (await objectsOfAcme(world.server, world.operator))(path);
      for (const [who, visitor] of people) {
        const before = await newest();
        const { status } = await visitor.ask(method, filled, json);
        const lines = await linesAfter(before);
        const expected = expect.objectContaining({
          who,
          action: `${method} ${path.replace(/\{(\w+)\}/g, ":$1")}`,
          result: status,
        });
        expect(lines, `${method} ${path} by the ${who}`).toEqual([expected]);
        expect(lines[0]?.address).toBe("127.0.0.1");
      }
    }
  });

  test("writes none for a stranger, who could fill it, and none for a preview", async () => {
    const before = await newest();
    await browserAt(world.server).ask("POST", `/api/calls/${callKey}/retry`, json);
    const path = "/api/installations/acme/mapping";
    const { mapping } = (await (await world.operator.get(path)).json()) as { mapping: object };
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify(mapping);
    expect((await world.operator.ask("PUT", `${path}?preview=1`, { headers, body })).status).toBe(200);
    expect(await newest()).toBe(before);
    expect((await world.operator.ask("PUT", path, { headers, body })).status).toBe(200);
    const [line] = await linesAfter(before);
    expect(JSON.parse(line?.detail ?? "{}")).toMatchObject({
      before: { sha256: expect.any(String) },
      after: { sha256: expect.any(String) },
    });
  });

  test("changes nothing when its line cannot be written", async () => {
    const { store } = world.server.parts.flow;
    const { addAuditLine } = store;
    store.addAuditLine = async () => {
      throw new Error("the disk is full");
    };
    const retried = store.retry;
    let retries = 0;
    store.retry = (...given) => {
      retries += 1;
      return retried(...given);
    };
    const answer = await world.operator.ask("POST", `/api/calls/${callKey}/retry`, json);
    Object.assign(store, { addAuditLine, retry: retried });
    expect([answer.status, retries]).toEqual([503, 0]);
  });
});

describe("the audit log", () => {
  const read = async (visitor: Visitor, query = "") =>
    (await (await visitor.get(`/api/audit${query}`)).json()) as { items: Line[]; next?: string };

  test("says who signed in, and how", async () => {
    const before = await newest();
    await world.invite("acme", "viewer");
    const lines = await linesAfter(before);
    expect(lines.map(({ who, action, signedInBy }) => [who, action, signedInBy])).toEqual([
      ["admin token", "POST /api/links", "token"],
      ["viewer of acme", "POST /login/link", "link"],
    ]);
    expect(JSON.stringify(lines)).not.toMatch(/[\w-]{43}/);
  });

  test("is read page by page, whole by operators, and by administrators as far as it is theirs", async () => {
    const all: Line[] = [];
    for (let query = "?limit=7"; query !== ""; ) {
      const { items, next } = await read(world.operator, query);
      all.push(...items);
      query = next === undefined ? "" : `?limit=7&cursor=${next}`;
    }
    expect(all.length).toBeGreaterThan(20);
    expect(all.map(({ id }) => id)).toEqual(all.map(({ id }) => id).toSorted((a, b) => b - a));
    const admin = await world.invite("globex", "admin");
    const own = (await read(admin, "?limit=200")).items;
    expect(new Set(own.map(({ installation }) => installation))).toEqual(new Set(["globex"]));
    expect((await (await world.invite("acme", "viewer")).get("/api/audit")).status).toBe(403);
    const exported = await (await admin.get("/api/audit/export")).text();
    expect(
      exported
        .trim()
        .split("\n")
        .map((line) => (JSON.parse(line) as Line).installation),
    ).toEqual(
      exported
        .trim()
        .split("\n")
        .map(() => "globex"),
    );
  });

  test("has nothing of a person who was erased, but that something was done", async () => {
    const { store } = world.server.parts.flow;
    const before = await newest();
    await world.operator.ask("POST", `/api/calls/${callKey}/retry`, json);
    expect((await linesAfter(before))[0]).toMatchObject({ object: callKey });
    const { row } = (await store.call(callKey)) ?? {};
    if (!row?.contact) throw new Error("the call has no contact");
    await store.erase("acme", [row.contact], { now: now(), spared: [] });
    const [line] = await linesAfter(before);
    expect(line).toMatchObject({ action: "POST /api/calls/:key/retry", result: 202 });
    expect(line).not.toHaveProperty("object");
    expect(line).not.toHaveProperty("detail");
    expect(JSON.stringify(await store.auditLines({ limit: 1_000 }))).not.toContain(customer);
  });

  test("is kept as long as configured; sessions and links that expired go", async () => {
    const { store } = world.server.parts.flow;
    const last = now();
    ahead = 366 * 86_400_000;
    await world.operator.post("/login", { token: "the-admin-token-1" });
    expect((await store.auditLines({ limit: 1_000 })).length).toBeGreaterThan(20);
    await store.purgeAccess(now(), last + 1);
    expect(await store.auditLines({ limit: 1_000 })).toHaveLength(1);
    expect(await store.sessions(0)).toHaveLength(1);
  });
});
