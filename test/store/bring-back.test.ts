import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { Contact } from "../../src/core/contact.ts";
import type { TrackedCall } from "../../src/core/tracked-call.ts";
import type { Store, StoredDelivery } from "../../src/store/contract.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { callOf, deliveryOf, t0 } from "../contracts/store-samples.ts";
import { everythingIn } from "../support/everything.ts";

const number = "+31687654321";
const vera: Contact = { id: "7", kind: "contact", name: "Vera Vos", phones: [number], fields: {} };
const key = "acme:voys:one";
const hour = 3_600_000;

let store: Store;
let file: string;
let now: number;
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), "switchhook-back-"));
  now = t0;
  store = openSqliteStore(folder, () => now);
  file = join(folder, "switchhook.db");
  onTestFinished(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });
});

const index = (contact: Contact) =>
  store.putContacts("acme", [{ contact, numbers: contact.phones }], { now, matchSince: 0 });
const erase = () => {
  now += 1_000;
  return store.erase("acme", [vera], { now, spared: [] });
};
const indexed = async () => (await store.contactsByNumber("acme", [number])).get(number) ?? [];

/** What a lane has in its hands after it has read a delivery. */
async function received(body: string): Promise<StoredDelivery> {
  await store.append(deliveryOf(body, { receivedAt: new Date(now).toISOString() }));
  const [delivery] = await store.newDeliveries("acme", 1);
  if (!delivery) throw new Error("nothing was received");
  return delivery;
}

function decode({ id, digest }: StoredDelivery, facts = {}, row?: TrackedCall): Promise<void> {
  const told = { transcript: "I am Vera", customer: { number, name: "Vera Vos" }, ...facts };
  const event = { callId: "one", at: new Date(now).toISOString(), kind: "ended", facts: told };
  const call = callOf("one", { ...told, revision: (row?.call.revision ?? 0) + 1 });
  const rest = { state: "waiting" as const, dueAt: now, events: [{ event, delivery: id }], absorbed: [] };
  const note = { id, digest, kind: "ended", events: 1 };
  return store.saveDecoded("acme", [note], [{ call, number, ...rest, ...(row && { row }) }]);
}

const callNow = async () => (await store.call(key))?.row;

describe("whoever was erased does not come back", () => {
  test("with a page of contacts that was read before", async () => {
    await index(vera);
    await erase();
    expect(await index(vera)).toBe(0);
    expect(await indexed()).toEqual([]);
    await index({ ...vera, id: "8", name: "Somebody else" });
    expect((await indexed()).map(({ id }) => id)).toEqual(["8"]);
  });

  test("with a delivery that was being decoded", async () => {
    await index(vera);
    const delivery = await received(`{"from":"${number}"}`);
    await erase();
    await decode(delivery);
    expect(everythingIn(file)).not.toMatch(/Vera|87654321/);
    expect(await callNow()).toMatchObject({ state: "ignored", reason: "erased on request" });
  });

  test("with a delivery that was being decoded for somebody else, and mentions them", async () => {
    await index(vera);
    const delivery = await received(`{"from":"+31611111111","transferredTo":"${number}"}`);
    await erase();
    const { id, digest } = delivery;
    await store.saveDecoded("acme", [{ id, digest, kind: "ended", events: 1 }], []);
    expect(await store.deliveriesIn({ installation: "acme" }, 0, 10)).toEqual([]);
    expect(everythingIn(file)).not.toMatch(/87654321/);
  });

  test("with a delivery that was still to be decoded, in a writing that nobody finds", async () => {
    await index(vera);
    const delivery = await received('{"from":"06 8765 4321","name":"Vera"}');
    await erase();
    expect(everythingIn(file)).toContain("Vera");
    now += hour;
    await decode(delivery);
    expect(everythingIn(file)).not.toMatch(/Vera|8765 ?4321/);
  });

  test("with a call of theirs whose number somebody else has, too", async () => {
    await index(vera);
    await index({ ...vera, id: "8", name: "Bram" });
    await decode(await received("first"));
    const row = await callNow();
    await deliver(row, { contact: { id: "7", kind: "contact" } });
    const second = await received("second");
    await erase();
    await decode(second, {}, row);
    expect(everythingIn(file)).not.toMatch(/Vera/);
  });

  test("with a call that was being logged", async () => {
    await index(vera);
    await decode(await received("first"));
    const row = await callNow();
    await erase();
    await store.saveSending("acme", [{ id: row?.id ?? 0, ours: { title: ["Call of Vera"] } }], now);
    expect(everythingIn(file)).not.toMatch(/Vera/);
    await deliver(row, { contact: { id: "7", kind: "contact" } });
    expect(everythingIn(file)).not.toMatch(/Vera|87654321/);
    expect(await callNow()).toMatchObject({ state: "logged", activityId: "a-1", ours: {} });
  });

  test("as somebody whom another's call could have been of", async () => {
    await index(vera);
    await index({ ...vera, id: "8", name: "Bram" });
    await decode(await received("first"), { customer: { number }, transcript: "I am Bram" });
    const row = await callNow();
    await erase();
    const runnersUp = [{ id: "7", kind: "contact" as const, name: "Vera Vos" }];
    await deliver(row, { contact: { id: "8", kind: "contact" } }, { number, lookup: "index", runnersUp });
    expect(everythingIn(file)).not.toMatch(/Vera/);
    expect(await callNow()).toMatchObject({ contact: { id: "8" }, decision: { runnersUp: [] } });
  });

  test("with an answer that was on its way", async () => {
    await index(vera);
    const answer = { ref: "q", at: now, number, reply: { name: "Vera Vos" }, why: {} };
    await erase();
    await store.saveAnswer("acme", "retell", answer);
    expect(everythingIn(file)).not.toMatch(/Vera/);
    await store.saveAnswer("acme", "retell", { ...answer, ref: "r", at: now + 1 });
    expect(await store.answer("acme", "retell", "r")).toBeDefined();
  });
});

async function deliver(row: TrackedCall | undefined, found: object, decision?: object): Promise<void> {
  if (!row) throw new Error("there is no call");
  const step = { at: now, step: "created", detail: { title: "Call of Vera" } };
  const told = { number, lookup: "index", contact: { id: "7", kind: "contact" as const, name: "Vera Vos" } };
  const call = { id: row.id, key, installation: "acme", revision: row.call.revision, attempts: 0 };
  const ours = decision ? {} : { title: ["Call of Vera"] };
  const history = decision ? { ...step, detail: {} } : step;
  await store.saveDelivered([
    {
      ...call,
      state: "logged",
      activityId: "a-1",
      step: history,
      ours,
      decision: decision ?? told,
      ...found,
    } as never,
  ]);
}

describe("an erasure", () => {
  test("does not swallow a call that comes afterwards", async () => {
    await index(vera);
    await erase();
    now += 1;
    await decode(await received(`{"from":"${number}"}`));
    expect(await callNow()).toMatchObject({ number, state: "waiting", call: { transcript: "I am Vera" } });
    const row = await callNow();
    await deliver(row, {});
    expect(await callNow()).toMatchObject({ state: "logged", ours: { title: ["Call of Vera"] } });
  });

  test("does not swallow what comes afterwards for a call that was erased", async () => {
    await index(vera);
    await decode(await received("first"));
    await deliver(await callNow(), { contact: { id: "7", kind: "contact" } });
    await erase();
    now += 1;
    await decode(await received("second"), {}, await callNow());
    const row = await callNow();
    await store.saveSending("acme", [{ id: row?.id ?? 0, ours: { title: ["Again"] } }], now);
    expect(await callNow()).toMatchObject({ ours: { title: ["Again"] }, call: { transcript: "I am Vera" } });
  });

  test("is remembered for two days, by keyed hashes only", async () => {
    await index(vera);
    await erase();
    const db = new DatabaseSync(file, { readOnly: true });
    const marks = db.prepare("SELECT * FROM erased").all();
    db.close();
    expect(marks).toHaveLength(2);
    for (const { mark } of marks) expect((mark as Uint8Array).length).toBe(32);
    now += 47 * hour;
    await store.purge(now, 0);
    await index(vera);
    expect(await indexed()).toEqual([]);
    now += 2 * hour;
    await index(vera);
    expect(await indexed()).toHaveLength(1);
    await store.purge(now, 0);
    const after = new DatabaseSync(file, { readOnly: true });
    expect(after.prepare("SELECT * FROM erased").all()).toEqual([]);
    after.close();
  });
});
