import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createRecordings, endingOf, type Recordings } from "../../src/flow/recordings/links.ts";
import type { DecodedCall, Store } from "../../src/store/contract.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import { callOf, decodedCall, t0 } from "../contracts/store-samples.ts";

let folder: string;
let store: Store;
let recordings: Recordings;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "switchhook-recordings-"));
  open();
});
afterEach(() => store.close());

function open(): void {
  store = openSqliteStore(folder);
  recordings = createRecordings(store, "https://hooks.example.com");
}

async function save(callId: string, more: Partial<DecodedCall> = {}) {
  await store.saveDecoded("acme", [], [decodedCall(callId, more)]);
  const group = await store.call(`acme:voys:${callId}`);
  if (!group) throw new Error(`${callId} was not saved`);
  return group.row;
}

const dueNow = () => store.dueCalls("acme", t0, 10);
const tokenOf = (url: string) => url.split("/").at(-1) ?? "";

describe("a store's secret", () => {
  test("is random, and the same for a name ever after, also when two ask at once", async () => {
    await store.ready();
    const asked: Promise<Uint8Array>[] = [];
    for (let i = 0; i < 50; i += 1) {
      asked.push(store.secret("a"));
      await setImmediate();
    }
    const given = await Promise.all(asked);
    const [first] = given;
    expect(first).toHaveLength(32);
    expect(new Set(given.map((secret) => Buffer.from(secret).toString("hex"))).size).toBe(1);
    expect(await store.secret("b")).not.toEqual(first);
    await store.close();
    store = openSqliteStore(folder);
    expect(await store.secret("a")).toEqual(first);
  });
});

describe("a link", () => {
  test("can be made for a call that is due", async () => {
    await save("one");
    const [row] = await dueNow();
    const url = row && (await recordings.links()).recordingUrl(row);
    expect(url).toMatch(/^https:\/\/hooks\.example\.com\/recordings\/[0-9a-z]+-[\w-]{32}\.mp3$/);
    expect(await recordings.find(tokenOf(url ?? ""))).toMatchObject({ id: row?.id });
  });

  test("is not made while the secret cannot be loaded, and is once it can", async () => {
    const row = await save("one");
    let isFull = true;
    const secret = (name: string) =>
      isFull ? Promise.reject(new Error("the disk is full")) : store.secret(name);
    const { links } = createRecordings({ ...store, secret }, "https://hooks.example.com");
    await expect(links()).rejects.toThrow("the disk is full");
    isFull = false;
    expect((await links()).recordingUrl(row)).toBe((await recordings.links()).recordingUrl(row));
  });

  test("of a leg plays the call that a transfer merged it into", async () => {
    const first = await save("first");
    const second = await save("second");
    await dueNow();
    const { recordingUrl } = await recordings.links();
    const url = recordingUrl(first);
    await save("second", { row: second, absorbed: [first] });
    expect(await recordings.find(tokenOf(url ?? ""))).toMatchObject({ id: second.id });
  });

  test("does not lead to another call that has the same row after an old backup was put back", async () => {
    const lost = await save("lost");
    await dueNow();
    const { recordingUrl } = await recordings.links();
    const url = recordingUrl(lost);
    const other = { id: lost.id, call: callOf("other"), link: 0 };
    expect(recordingUrl(other)).not.toBe(url);
    const backup: Store = {
      ...store,
      callById: async () => ({ ...lost, call: other.call }),
    };
    const restored = createRecordings(backup, "https://hooks.example.com");
    expect(await restored.find(tokenOf(url ?? ""))).toBeUndefined();
  });
});

test.each([
  ["https://a.example/b.wav", ".wav"],
  ["https://a.example/b.WAV?x=1.mp3", ".wav"],
  ["https://a.example/b.mp3", ".mp3"],
  ["https://a.example/b?file=.wav", ".mp3"],
  ["no-url.wav", ".mp3"],
  [undefined, ".mp3"],
])("the link for %s ends with %s", (ref, ending) => expect(endingOf(ref)).toBe(ending));
