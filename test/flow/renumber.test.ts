import { afterEach, beforeEach, expect, test } from "vitest";
import type { Delivery } from "../../src/core/provider.ts";
import { renumber } from "../../src/flow/contacts/renumber.ts";
import type { Store } from "../../src/store/contract.ts";
import { createClock, openTurns, type Turns } from "../support/crm-turns.ts";
import { hubspotWorld } from "../support/crm-worlds.ts";

let turns: Turns;
let store: Store;
let world: Awaited<ReturnType<typeof hubspotWorld>>;

beforeEach(async () => {
  world = await hubspotWorld({});
  turns = openTurns(world, createClock());
  ({ store } = turns.flow);
});
afterEach(async () => {
  turns.close();
  await world.emulator.stop();
});

const contact = (id: string, phone: string) => ({
  id,
  kind: "contact" as const,
  phones: [phone],
  fields: {},
});
const found = async (number: string) =>
  ((await store.contactsByNumber("acme", [number])).get(number) ?? []).map(({ id }) => id);

/** As an older version put it into the index. */
async function indexed(id: string, phone: string, numbers: string[]): Promise<void> {
  await store.putContacts("acme", [{ contact: contact(id, phone), numbers }], { now: 0, matchSince: 0 });
}

function ended(id: string, number: string): Delivery {
  const caller = { number, name: null, account_number: null, user_numbers: [] };
  const destination = { number: "+31507654321" };
  const state = { call_id: id, timestamp: new Date().toISOString(), status: "ended", reason: "completed" };
  const body = { ...state, version: "v2", direction: "inbound", caller, destination };
  return {
    ...{ installation: "acme", provider: "voys", method: "POST", url: "/webhooks/acme/voys" },
    receivedAt: new Date().toISOString(),
    headers: { "content-type": "application/json" },
    body: Buffer.from(JSON.stringify(body)),
  };
}

test("contacts of an older version are found by what their numbers are today, and none is lost", async () => {
  await indexed("1", "+4402079460111", ["+4402079460111"]);
  await indexed("2", "06-87654321 (mobiel)", []);
  await indexed("3", "+31687650000", ["+31687650000"]);
  for (let id = 10; id < 700; id += 1) await indexed(String(id), `06-1234${id}0`, []);
  await renumber(turns.flow, turns.acme());
  expect(await found("+442079460111")).toEqual(["1"]);
  expect(await found("+4402079460111")).toEqual([]);
  expect(await found("+31687654321")).toEqual(["2"]);
  expect(await found("+31687650000")).toEqual(["3"]);
  expect(await store.countContacts("acme")).toBe(693);
});

test("what an AI agent was asked is found by the number's identity of today", async () => {
  const answer = { at: Date.now(), reply: {}, why: {} };
  await store.saveAnswer("acme", "retell", { ref: "1", number: "+5215598765432", ...answer });
  await renumber(turns.flow, turns.acme());
  const found = await store.answersNear("acme", "+525598765432", 0, Date.now() + 1_000);
  expect(found).toMatchObject([{ ref: "1" }]);
});

test("it is done once, and again when the region changes", async () => {
  await renumber(turns.flow, turns.acme());
  await indexed("2", "0612 34 56 78", []);
  await renumber(turns.flow, turns.acme());
  expect(await found("+33612345678")).toEqual([]);
  await renumber(turns.flow, { settings: { ...turns.acme().settings, region: "FR" } });
  expect(await found("+33612345678")).toEqual(["2"]);
});

test("a stop in between leaves the rest for the next start", async () => {
  const stopped = new AbortController();
  await indexed("2", "06-87654321 (mobiel)", []);
  stopped.abort();
  await renumber(turns.flow, turns.acme(), stopped.signal);
  expect(await found("+31687654321")).toEqual([]);
  await renumber(turns.flow, turns.acme());
  expect(await found("+31687654321")).toEqual(["2"]);
});

test("a call that an older version could not match is put on its contact", async () => {
  await store.append(ended("1", "+31612340000"));
  await turns.work();
  const key = "acme:voys:1";
  expect((await store.call(key))?.row.contact).toBeUndefined();
  const id = (await store.call(key))?.row.id ?? 0;
  await store.renumberCalls("acme", [{ id, was: "+31612340000" }], { now: 0, matchSince: 0 });
  await indexed("2", "06-12340000 (mobiel)", []);
  expect(await renumber(turns.flow, turns.acme())).toBe(1);
  expect((await store.call(key))?.row).toMatchObject({ number: "+31612340000" });
  expect(await store.nextDue("acme")).toBeDefined();
});
