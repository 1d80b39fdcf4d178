import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { Connector, SaveResult } from "../../src/core/crm.ts";
import { call, connectTo, type LocalCrm, openLocalCrm, until } from "./local-crm.ts";

let crm: LocalCrm;
const open = (...args: Parameters<typeof openLocalCrm>): Connector => {
  crm = openLocalCrm(...args);
  return crm.connector;
};
afterEach(() => crm.tearDown());

/** A person who saves again and again at the same moment makes us ask for a later try, which is fine. */
const onlyLater = (error: unknown): SaveResult[] => {
  expect(error).toMatchObject({ name: "Overtaken", retry: "later" });
  return [];
};

const stamps = () => [crm.path, crm.log].map((path) => statSync(path, { bigint: true }).mtimeNs);

describe("the file", () => {
  test("is made when it is missing, with its folders", async () => {
    open();
    const path = join(crm.folder, "a", "b", "crm.json");
    const connector = connectTo(path);
    await connector.prepare?.();
    expect(JSON.parse(readFileSync(path, "utf8"))).toEqual({ contacts: [], owners: [] });
    await connector.close?.();
  });

  test("has one record a line, and what a person wrote stays as it was", async () => {
    const written = `\uFEFF{ "note": {"big": 12345678901234567890},
  "contacts": [ {"id":"1",
      "phones":["+31612345678"], "big": 12345678901234567890.10} ],
  "later": 1e2}`;
    const connector = open(written);
    const createContact = { number: "+12137771234", fields: { name: "New" } };
    await connector.saveCalls([call("a"), { ...call("b"), createContact }]);
    expect(readFileSync(crm.path, "utf8")).toBe(`{
  "note": { "big": 12345678901234567890 },
  "contacts": [
    { "id": "1", "phones": [ "+31612345678" ], "big": 12345678901234567890.10 },
    { "id": "2", "name": "New", "phones": [ "+12137771234" ] }
  ],
  "later": 1e2
}
`);
    expect(readFileSync(crm.log, "utf8")).toBe(`{ "id": "1", "key": "a", "subject": "Inbound call" }
{ "id": "2", "key": "b", "contactId": "2", "subject": "Inbound call" }
`);
  });

  test("is not written when there is nothing to write", async () => {
    const connector = open();
    await connector.saveCalls([call("a")]);
    const before = stamps();
    await connector.saveCalls([call("a"), { ...call("b"), activityId: "77" }, call("")]);
    await connector.saveCalls([]);
    expect(stamps()).toEqual(before);
  });

  test("is for its user alone, and stays where a link points to", async () => {
    const connector = open({});
    chmodSync(crm.path, 0o664);
    const link = join(crm.folder, "link.json");
    symlinkSync(crm.path, link);
    const linked = connectTo(link);
    await linked.saveCalls([call("a")]);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(statSync(crm.path).mode & 0o777).toBe(0o600);
    expect(crm.read().activities).toHaveLength(1);
    expect(readdirSync(crm.folder).sort()).toEqual([
      ".crm.json.lock",
      "crm.activities.ndjson",
      "crm.json",
      "link.json",
    ]);
    await Promise.all([linked.close?.(), connector.close?.()]);
  });

  test("is closed to other users when it is read, and the folder that is made for it, too", async () => {
    const connector = open({});
    chmodSync(crm.path, 0o644);
    await connector.findContacts(["+31612345678"]);
    expect(statSync(crm.path).mode & 0o777).toBe(0o600);
    await connector.saveCalls([call("a")]);
    expect(statSync(crm.log).mode & 0o777).toBe(0o600);
    chmodSync(crm.log, 0o644);
    writeFileSync(crm.log, "");
    await connector.saveCalls([call("b")]);
    expect(statSync(crm.log).mode & 0o777).toBe(0o600);
    // A person's editor may write it again with the rights that it likes.
    writeFileSync(crm.path, '{"contacts": [], "owners": [], "activities": []} ');
    chmodSync(crm.path, 0o666);
    await connector.findContacts(["+31612345678"]);
    expect(statSync(crm.path).mode & 0o777).toBe(0o600);
    const path = join(crm.folder, "new", "crm.json");
    const other = connectTo(path);
    await other.prepare?.();
    expect(statSync(join(crm.folder, "new")).mode & 0o777).toBe(0o700);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await Promise.all([other.close?.(), connector.close?.()]);
  });

  test("says so when it cannot be used, and goes on when it can", async () => {
    const connector = open();
    mkdirSync(crm.path);
    await expect(connector.saveCalls([call("a")])).rejects.toMatchObject({
      name: "CrmError",
      retry: "later",
    });
    await expect(connector.findContacts(["+31612345678"])).rejects.toThrow(
      /crm\.json cannot be read or written \(EISDIR\)/,
    );
    rmSync(crm.path, { recursive: true });
    expect(await connector.saveCalls([call("a")])).toMatchObject([{ saved: "1" }]);
  });

  test("is not made again when somebody takes it away while we run", async () => {
    const connector = open();
    await connector.saveCalls([call("a")]);
    for (const path of [crm.path, crm.log]) {
      const content = readFileSync(path);
      rmSync(path);
      await expect(connector.saveCalls([call("b")])).rejects.toThrow(/is gone\. Put it back/);
      expect(existsSync(path)).toBe(false);
      writeFileSync(path, content);
    }
    await connector.saveCalls([call("b")]);
    expect(crm.read().activities.map(({ key }) => key)).toEqual(["a", "b"]);
  });
});

describe("somebody else who edits the file", () => {
  test("loses nothing, whenever they save", async () => {
    const connector = open();
    await connector.prepare?.();
    const edits = 40;
    const results: SaveResult[] = [];
    const saving = (async () => {
      for (let i = 0; i < 60; ) {
        const saved = await connector.saveCalls([call(`call-${i}`)]).catch(onlyLater);
        results.push(...saved);
        i += saved.length;
      }
    })();
    for (let i = 0; i < edits; i++) {
      crm.edit((content) => {
        content.contacts.push({ id: `p${i}`, phones: [], mine: i });
      });
      await new Promise((resolve) => setTimeout(resolve, i % 5));
    }
    await saving;
    const { contacts, activities } = crm.read();
    expect(contacts).toHaveLength(edits);
    expect(new Set(activities.map(({ key }) => key)).size).toBe(60);
    expect(activities.map(({ id, key }) => [id, key])).toEqual(
      results.map((result) => ["saved" in result && result.saved, result.key]),
    );
  });

  test("is seen by the next look-up, and tells those who watch", async () => {
    const connector = open({ contacts: [] });
    await connector.prepare?.();
    let told = 0;
    const stop = connector.watch?.(() => told++);
    await connector.saveCalls([call("a")]);
    crm.edit(({ contacts }) => contacts.push({ id: "1", phones: ["+31612345678"] }));
    expect((await connector.findContacts(["+31612345678"])).size).toBe(1);
    await until(() => told === 1);
    crm.edit(({ contacts }) => contacts.push({ id: "2", phones: ["+31501234567"] }));
    await until(() => told === 2);
    stop?.();
    crm.edit(({ contacts }) => contacts.pop());
    await connector.saveCalls([call("b")]);
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(told).toBe(2);
  });

  test.each([
    ['{"contacts": [\n  {"id": "1" "name": "x"}\n]}', "line 2, column 14", "Comma expected"],
    ['{"contacts": [\n  {"id": "1",}\n]}', "line 2, column 14", "Property name expected"],
    ['{"contacts": [\n  {"id": "é", "name": é}]}', "line 2, column 23", "Invalid symbol"],
    ['{"contacts": [\n {"id": "1", "name": "x}\n]}', "line 2, column 22", "Unexpected end of string"],
    ['{"contacts": [{"id": "1"}', "line 1, column 26", "Close bracket expected"],
    ['{"contacts": {}}', "line 1, column 14", "expected a list of contacts"],
    ['{"contacts": [3]}', "line 1, column 15", "expected a record"],
    ['{"contacts": [\n{"id": "1"},\n  {"name": "x"}]}', "line 3, column 3", "contacts[1].id: expected an id"],
    [
      '{"contacts": [{"id": "1", "phones": "+31"}]}',
      "line 1, column 15",
      "contacts[0].phones: expected a list",
    ],
    [
      '{"contacts": [{"id": "1", "kind": "ghost"}]}',
      "line 1, column 15",
      'contacts[0].kind: expected "contact"',
    ],
    ['{"owners": [],\n "owners": []}', "line 2, column 2", '"owners" is there twice'],
    ["", "line 1, column 1", "Value expected"],
    ["[]", "line 1, column 1", "expected an object"],
    ["{} {}", "line 1, column 4", "End of file expected"],
    [`{"x": ${"[".repeat(5000)}`, "line 1", "Correct it there"],
    [Buffer.from('{"contacts": [],\n"a": "\xff"}', "latin1"), "line 2, column 7", "not UTF-8"],
    ["{\n\u0000}", "line 2, column 1", "Invalid symbol"],
  ])("is told where %j is broken, and calls go on when it is corrected", async (broken, place, what) => {
    const connector = open({ contacts: [{ id: "1", phones: ["+31612345678"] }] });
    await connector.saveCalls([call("a")]);
    const good = crm.read();
    crm.write(broken);
    const failure = await connector.saveCalls([call("b")]).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: "CrmError", retry: "later" });
    for (const part of [crm.path, place, what]) expect((failure as Error).message).toContain(part);
    await expect(connector.findContacts(["+31612345678"])).rejects.toThrow(place);
    expect(readFileSync(crm.path)).toEqual(Buffer.from(broken));
    crm.write(good);
    expect(await connector.saveCalls([call("b")])).toMatchObject([{ saved: "2" }]);
    expect((await connector.findContacts(["+31612345678"])).size).toBe(1);
  });

  test("is warned once, with the place", async () => {
    const connector = open({});
    await connector.prepare?.();
    connector.watch?.(() => {});
    crm.write('{"contacts": [');
    await until(() => crm.warnings.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(crm.warnings).toEqual([expect.stringContaining("line 1, column 15")]);
  });
});
