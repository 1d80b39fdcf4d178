import { readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
beforeEach(async () => {
  server = await startServer();
});
afterEach(() => server.stop());

const mapping = (note: string) => `{ "crm": "local",\n  "activity": { "note": "${note}" } }\n`;

type Answer = {
  version: string;
  text: string;
  file: string;
  error: string;
  items: { number: number; who?: string; comment?: string; at: string }[];
};

async function ask(path = "", init: RequestInit = {}): Promise<Answer & { status: number }> {
  const response = await fetch(`${server.url}/api/installations/acme/mapping${path}`, init);
  return { status: response.status, ...((await response.json()) as Answer) };
}

const put = (text: string, path = "", headers: Record<string, string> = {}) =>
  ask(path, { method: "PUT", headers: { "content-type": "application/json", ...headers }, body: text });

test("a save that was made from an older version is refused with the present one, and nothing is lost", async () => {
  const { version } = await ask();
  const first = await put(mapping("first"), "", { "if-match": `"${version}"` });
  expect(first.status).toBe(200);
  expect(first.version).toBe((await ask()).version);
  for (const late of [
    await put(mapping("second"), "", { "if-match": `"${version}"` }),
    await put(mapping("second"), `?version=${version}`),
  ])
    expect(late).toEqual({
      status: 409,
      error: expect.stringContaining("changed meanwhile"),
      text: mapping("first"),
      version: first.version,
    });
  expect((await ask()).text).toBe(mapping("first"));
  expect((await put(mapping("second"), `?version=${first.version}`)).status).toBe(200);
  // Without a version the last one wins, as it always did.
  expect((await put(mapping("third"))).status).toBe(200);
  expect((await ask()).text).toBe(mapping("third"));
});

test("of many saves at once from the same version, one succeeds", async () => {
  const { version } = await ask();
  const saves = await Promise.all([1, 2, 3, 4].map((n) => put(mapping(`n${n}`), `?version=${version}`)));
  expect(saves.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409]);
  expect((await ask("/versions")).items).toHaveLength(2);
});

test("every save is listed with who and why, after the text that was in use before it", async () => {
  const builtIn = (await ask()).text;
  await put(mapping("first"), "?comment=for%20the%20shop");
  const { items } = await ask("/versions");
  expect(items).toEqual([
    expect.objectContaining({ number: 2, who: expect.any(String), comment: "for the shop" }),
    { number: 1, at: expect.any(String), characters: builtIn.length },
  ]);
  expect((await ask("/versions/1")).text).toBe(builtIn);
  expect((await ask("/versions/3")).status).toBe(404);
  expect((await ask("/versions/x")).status).toBe(404);
  await put(mapping("first"));
  expect((await ask("/versions")).items).toHaveLength(2);
});

test("a version is restored byte for byte, also one that was written by hand", async () => {
  await put(mapping("first"));
  const { file } = await ask();
  const byHand = '{"crm":"local","activity":{"note":"by hand"}}';
  writeFileSync(file, byHand);
  await put(mapping("second"));
  const { items } = await ask("/versions");
  expect(items.map(({ number, who }) => [number, who !== undefined])).toEqual([
    [4, true],
    [3, false],
    [2, true],
    [1, false],
  ]);
  const { version } = await ask();
  expect((await ask("/versions/3/restore?version=old", { method: "POST" })).status).toBe(409);
  expect((await ask(`/versions/3/restore?version=${version}`, { method: "POST" })).status).toBe(200);
  expect(readFileSync(file, "utf8")).toBe(byHand);
  expect(server.parts.mappings.get("acme")?.text()).toBe(byHand);
  expect((await ask("/versions")).items[0]).toMatchObject({ number: 5, comment: "version 3" });
  expect((await ask("/versions/1/restore", { method: "POST" })).status).toBe(200);
  expect((await ask()).text).toBe((await ask("/versions/1")).text);
});

test("versions are still there after a restart", async () => {
  await put(mapping("first"));
  await server.restart();
  expect((await ask("/versions")).items).toHaveLength(2);
});
