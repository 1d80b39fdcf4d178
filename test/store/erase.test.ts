import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { Call } from "../../src/core/call.ts";
import type { Contact } from "../../src/core/contact.ts";
import type { Delivery } from "../../src/core/provider.ts";
import type { Store } from "../../src/store/contract.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { callOf, deliveryOf, t0 } from "../contracts/store-samples.ts";
import { everythingIn } from "../support/everything.ts";

const number = "+31687654321";
const vera: Contact = { id: "7", kind: "contact", name: "Vera Vos", phones: [number], fields: {} };
const ref = { id: "7", kind: "contact" } as const;

let store: Store;
let file: string;
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), "switchhook-erase-"));
  store = openSqliteStore(folder);
  file = join(folder, "switchhook.db");
  onTestFinished(() => store.close());
});

const index = (contact: Contact) =>
  store.putContacts("acme", [{ contact, numbers: contact.phones }], {
    now: t0,
    matchSince: 0,
  });

/** A call that was received, decoded and logged. */
async function logged(
  id: string,
  facts: Partial<Call>,
  more: { delivery?: Partial<Delivery>; name?: string } = {},
) {
  const customer = facts.customer?.number ?? "";
  await store.append(deliveryOf(JSON.stringify({ call: id, from: customer }), more.delivery));
  const [delivery] = await store.newDeliveries("acme", 1);
  if (!delivery) throw new Error("nothing was received");
  const event = {
    callId: id,
    at: "2026-01-02T03:04:05.000Z",
    kind: "ended",
    facts: { transcript: `I am ${id}` },
  };
  const call = callOf(id, { transcript: `I am ${id}`, summary: "Wants a car", ...facts });
  const note = { id: delivery.id, digest: delivery.digest, kind: "ended", events: 1 };
  const decoded = {
    call,
    state: "waiting" as const,
    dueAt: t0,
    events: [{ event, delivery: delivery.id }],
    absorbed: [],
  };
  await store.saveDecoded("acme", [note], [{ ...decoded, ...(customer && { number: customer }) }]);
  const row = (await store.call(call.key))?.row;
  const step = { at: t0, step: "created", detail: { title: `Call of ${more.name}` } };
  await store.saveDelivered([
    {
      ...{
        id: row?.id ?? 0,
        key: call.key,
        installation: "acme",
        revision: 1,
        state: "logged",
        attempts: 0,
        step,
      },
      ...{ activityId: `a-${id}`, ours: { title: [`Call of ${more.name}`] } },
      ...(more.name === vera.name && { contact: ref }),
      decision: { number: customer, lookup: "index", contact: { ...ref, name: vera.name ?? "" } },
    },
  ]);
  return call.key;
}

const erase = (spared: string[] = []) => store.erase("acme", [ref], { now: t0 + 9, spared });

describe("whoever asks to be erased", () => {
  test("leaves no trace: index, calls, deliveries in any writing, answers, history", async () => {
    await index(vera);
    const key = await logged(
      "one",
      { customer: { number, name: "Vera Vos" }, line: "+31201234567" },
      { name: "Vera Vos" },
    );
    await logged("two", { customer: { number, name: "Vera Vos" } });
    for (const body of [
      `{"from":"${number}"}`,
      '{"from":"0687654321"}',
      '{"from":"0031687654321"}',
      "31687654321",
    ])
      await store.append(deliveryOf(body));
    await store.append(deliveryOf("", { url: "/webhooks/acme/voys?CallFrom=%2B31687654321" }));
    await store.saveAnswer("acme", "retell", {
      ref: "q",
      at: t0,
      number,
      reply: { name: "Vera Vos" },
      why: {},
    });
    await store.saveAnswer("acme", "voys", { ref: "one", at: t0, reply: { name: "Vera Vos" }, why: {} });
    await erase();
    expect(everythingIn(file)).not.toMatch(/87654321|Vera|I am|Wants a car|Call of/);
    const found = await store.call(key);
    expect(found?.row).toMatchObject({
      state: "logged",
      reason: "erased on request",
      activityId: "a-one",
      ours: {},
    });
    expect(found?.row.call).toMatchObject({ line: "+31201234567", phase: "ended" });
    expect(found?.row.dueAt).toBeUndefined();
    expect((await store.history(found?.row.id ?? 0)).map(({ step }) => step)).toEqual(["erased on request"]);
    expect(await store.newDeliveries("acme", 10)).toEqual([]);
    expect(await store.deliveriesIn({ installation: "acme" }, 0, 10)).toEqual([]);
  });

  test("is erased from the calls they are linked to when the index has forgotten them", async () => {
    await logged("one", { customer: { number } }, { name: "Vera Vos" });
    await logged("two", { customer: { number } });
    await erase();
    expect(everythingIn(file)).not.toMatch(/87654321|Vera|I am/);
  });

  test("takes nothing along of whoever has the same number, but their name in it", async () => {
    await index(vera);
    await index({ ...vera, id: "8", name: "Bram Vos" });
    const key = await logged("one", { customer: { number } });
    await store.append(deliveryOf(`{"from":"${number}"}`));
    await erase();
    expect((await store.call(key))?.row).toMatchObject({ number, call: { transcript: "I am one" } });
    expect((await store.call(key))?.row.decision?.contact).toBeUndefined();
    expect((await store.contactsByNumber("acme", [number])).get(number)?.map(({ id }) => id)).toEqual(["8"]);
    expect(await store.newDeliveries("acme", 10)).toHaveLength(1);
    expect(everythingIn(file)).not.toContain("Vera");
  });

  test("takes nothing along of other people, longer numbers, company numbers and other installations", async () => {
    await index({ ...vera, phones: [number, "+31201234567"] });
    const key = await logged("other", { customer: { number: "+31611111111" }, line: "+31201234567" });
    const kept = ['{"id":"9687654321"}', '{"id":"6876543210"}', '{"to":"+31201234567"}'];
    for (const body of kept) await store.append(deliveryOf(body));
    await store.append(deliveryOf(number, { installation: "globex" }));
    await erase(["+31201234567"]);
    const texts = (await store.newDeliveries("acme", 10)).map(({ body }) => Buffer.from(body).toString());
    expect(texts).toEqual(kept);
    expect(await store.newDeliveries("globex", 10)).toHaveLength(1);
    expect((await store.call(key))?.row.call.transcript).toBe("I am other");
  });

  test("is not the company whose line they have in the CRM, though nobody said that it is one", async () => {
    await index({ ...vera, phones: ["+31201234567"] });
    const body = Buffer.from('{"from":"+31611111111","to":"+31201234567"}');
    const key = await logged(
      "other",
      { customer: { number: "+31611111111" }, line: "020 123 4567" },
      { delivery: { body } },
    );
    await erase();
    expect(await store.deliveriesIn({ key }, 0, 10)).toHaveLength(1);
  });

  test("is found in however many deliveries", async () => {
    await index(vera);
    const bodies = Array.from({ length: 2_500 }, (_, i) => (i % 1_000 === 0 ? `from ${number}` : `${i}`));
    await Promise.all(bodies.map((body) => store.append(deliveryOf(body))));
    await erase();
    expect(await store.newDeliveries("acme", 5_000)).toHaveLength(2_497);
  });

  test("can be erased again", async () => {
    await index(vera);
    await logged("one", { customer: { number } }, { name: "Vera Vos" });
    await erase();
    const before = everythingIn(file);
    await erase();
    expect(everythingIn(file)).toBe(before);
  });
});

test("a number is erased in every writing of its subscriber", async () => {
  const mexican: Contact = { ...vera, phones: ["+525598765432"] };
  await index(mexican);
  await store.append(deliveryOf(JSON.stringify({ call: "1", from: "+5215598765432", note: "first" })));
  await store.append(deliveryOf(JSON.stringify({ call: "2", from: "05255 98765432", note: "second" })));
  const [first, second] = await store.newDeliveries("acme", 10);
  const decoded = [first, second].map((one) => ({
    ...{ id: one?.id ?? 0, digest: one?.digest ?? 0, kind: "other", events: 0 },
  }));
  await store.saveDecoded("acme", decoded, []);
  await store.erase("acme", [ref], { now: t0, spared: [] });
  expect(everythingIn(file)).not.toContain("+5215598765432");
  expect(everythingIn(file)).toContain("second");
});
