import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { inboundCall, scriptOf, sendAll, settledActivities } from "../support/calls.ts";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
beforeEach(async () => {
  server = await startServer();
});
afterEach(() => server.stop());

const mapping = {
  crm: "local",
  activity: { subject: { text: "Talked to {{ contact.name }}" }, source: "phone" },
};
type Change = {
  saved: boolean;
  file: string;
  calls: { key: string; changes: object[] }[];
  faults: object[];
  error: string;
};

async function put(body: unknown, query = "", headers: Record<string, string> = {}) {
  const response = await fetch(`${server.url}/api/installations/acme/mapping${query}`, {
    method: "PUT",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Change };
}

async function get() {
  const response = await fetch(`${server.url}/api/installations/acme/mapping`);
  return (await response.json()) as { file: string; builtIn: boolean; mapping?: object; text: string };
}

async function logOne(id: string) {
  const before = server.crm().activities.length;
  await sendAll(server, "voys", scriptOf(server, "voys", inboundCall("voys", { id })));
  return (await settledActivities(server, before + 1)).find(({ key }) => key === `acme:voys:${id}`);
}

describe("the mapping of an installation", () => {
  test("is the built-in one until another is saved, which is used at once and after a restart", async () => {
    expect(await get()).toMatchObject({ builtIn: true, mapping: { crm: "local" } });
    const { status, body } = await put(mapping);
    const file = join(server.folder, "data", "mappings", "acme.json");
    expect({ status, saved: body.saved, file: body.file }).toEqual({ status: 200, saved: true, file });
    expect(await get()).toMatchObject({ builtIn: false, mapping, file });
    expect(await logOne("one")).toMatchObject({ subject: "Talked to Asha Rao", source: "phone" });
    await server.restart();
    expect(await logOne("two")).toMatchObject({ subject: "Talked to Asha Rao", source: "phone" });
  });

  test("keeps the lines of whoever wrote it, and can be changed on disk afterwards", async () => {
    const text = `{ "crm": "local",\n  "activity": { "note": "first" } }`;
    await put(text);
    const { file } = await get();
    expect(readFileSync(file, "utf8")).toBe(`${text}\n`);
    writeFileSync(file, text.replace("first", "second"));
    const { mapping: inUse } = server.parts.installations.get("acme") ?? {};
    const view = { call: {}, installation: { name: "acme", region: "NL", timeZone: "Europe/Amsterdam" } };
    await expect.poll(() => inUse?.().activity(view).fields, { timeout: 20_000 }).toEqual({ note: "second" });
  });

  test("is previewed against the latest calls, and nothing is saved", async () => {
    const logged = await logOne("one");
    const { status, body } = await put(mapping, "?preview=1");
    expect({ status, saved: body.saved }).toEqual({ status: 200, saved: false });
    expect(body.calls.map(({ key }) => key)).toEqual(["acme:voys:one"]);
    const changes = body.calls[0]?.changes;
    expect(changes).toContainEqual({
      field: "subject",
      before: logged?.["subject"],
      after: "Talked to Asha Rao",
      write: "always",
    });
    expect(changes).toContainEqual({ field: "source", after: "phone", write: "always" });
    expect(changes).toContainEqual({ field: "outcome", before: "completed", write: "always" });
    expect(await get()).toMatchObject({ builtIn: true });
  });

  test("is saved to the file that the config names", async () => {
    const folder = server.folder;
    await server.stop();
    mkdirSync(folder, { recursive: true });
    const own = join(folder, "own.json");
    writeFileSync(own, JSON.stringify({ crm: "local", activity: { note: "old" } }));
    server = await startServer({ settings: { mapping: own } });
    expect(await get()).toMatchObject({ builtIn: false, file: own });
    expect((await put(mapping)).body).toMatchObject({ saved: true, file: own });
    expect(JSON.parse(readFileSync(own, "utf8"))).toEqual(mapping);
    expect(await logOne("one")).toMatchObject({ source: "phone" });
  });
});

describe("a wrong mapping", () => {
  test("is refused with all of its faults, and the one in use stays", async () => {
    const { status, body } = await put({
      crm: "local",
      activity: { a: { from: "call.outcom" }, b: { text: "{{ call.nothing }}" } },
    });
    expect(status).toBe(422);
    expect(body.faults).toHaveLength(2);
    expect(body.faults).toContainEqual({
      at: "acme.json: activity.a.from",
      problem: expect.any(String),
      cure: expect.stringContaining("call.outcome"),
    });
    expect(await get()).toMatchObject({ builtIn: true });
  });

  test.each([
    ["made for another CRM", { ...mapping, crm: "hubspot" }, 422, /crm/],
    ["that is not JSON", `{\n  "crm": }`, 422, /line 2/],
    ["that is a list", "[]", 422, /\w/],
    ["that is nothing", "", 422, /\w/],
    ["with a prototype for a field", `{"crm":"local","activity":{"__proto__":"x"}}`, 422, /__proto__/],
    ["nested a thousand times", "[".repeat(1000), 422, /nested/],
    ["in broken UTF-8", Uint8Array.of(0x22, 0xff, 0x22), 400, /UTF-8/],
    ["of more than a megabyte", `"${"x".repeat(1_000_000)}"`, 413, /larger than/],
  ])("%s is refused", async (_, body, status, error) => {
    const answer = await put(body);
    expect(answer).toEqual({
      status,
      body: expect.objectContaining({ error: expect.stringMatching(error) }),
    });
  });

  test("is refused when it is not sent as JSON, or with a query that is not known", async () => {
    expect((await put(mapping, "", { "content-type": "text/plain" })).status).toBe(415);
    expect((await put(mapping, "", { "content-encoding": "gzip" })).status).toBe(415);
    expect((await put(mapping, "?preview=yes")).status).toBe(400);
    expect((await put(mapping, "?dry=1")).status).toBe(400);
    expect(await get()).toMatchObject({ builtIn: true });
  });

  test("is told that it could not be saved when the disk does not take it", async () => {
    writeFileSync(join(server.folder, "data", "mappings"), "a file where a folder should be");
    const { status, body } = await put(mapping);
    expect(status).toBe(507);
    expect(body.error).toContain("was not saved");
    expect(await get()).toMatchObject({ builtIn: true });
  });
});
