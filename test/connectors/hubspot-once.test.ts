import { describe, expect, test } from "vitest";
import {
  callRecord,
  failure,
  type Portal,
  type PortalOptions,
  readyPortal,
  storedCall,
  withoutSchemas,
} from "./hubspot-portal.ts";

/** An account takes ten unique properties of contacts; all of them are taken. */
const taken = Array.from({ length: 10 }, (_, i) => ({
  ...({ objectType: "contacts", type: "string" } as const),
  ...{ name: `number_${i}`, hasUniqueValue: true },
}));

const accounts: [string, PortalOptions][] = [
  ["with our properties", {}],
  ["of the next version", { apiVersion: "2026-09" }],
  ["without our property on calls", { callUnique: false, indexLagMs: 5_000 }],
  ["without our property on contacts", { properties: taken, indexLagMs: 5_000 }],
  ["without any property of ours", { scopes: withoutSchemas, indexLagMs: 5_000 }],
];

const number = "+31612345678";

/** A missed call of an unknown caller about a company: all kinds of writes that there are. */
function missedCall(portal: Portal) {
  const company = portal.crm.people.add("companies", { name: "Acme" });
  const task = { fields: { hs_task_subject: "Call back", hs_timestamp: "2026-11-20T10:00:00Z" } };
  const createContact = { number, fields: { firstname: "Unknown" } };
  const fields = { ...callRecord("1").fields, hs_call_duration: 0 };
  return storedCall(portal, callRecord("1", { fields, task, createContact, associate: { company } }));
}

/** Delivers until it succeeds, as the lane does: not before the time that it is told. */
async function deliverAtLast(portal: Portal, call: ReturnType<typeof storedCall>, fields = {}) {
  for (let tries = 0; tries < 5; tries += 1) {
    const result = await call.deliver({ fields: { ...call.record().fields, ...fields } });
    if (!("failed" in result)) return result;
    portal.passes(result.failed.afterMs ?? 1_000);
  }
  throw new Error("it was never saved");
}

function expectOneOfEach({ crm }: Portal): void {
  const [contact, ...contacts] = crm.people.contacts();
  const [company] = crm.people.all("companies");
  const [call, ...calls] = crm.people.calls();
  const [task, ...tasks] = crm.people.tasks();
  expect({ contacts, calls, tasks }).toEqual({ contacts: [], calls: [], tasks: [] });
  expect(call?.associations).toEqual({ contacts: [contact?.id], companies: [company?.id] });
  expect(task?.associations).toEqual({ contacts: [contact?.id] });
}

async function requestsOf(options: PortalOptions): Promise<number> {
  const portal = await readyPortal(options);
  await missedCall(portal).deliver();
  expectOneOfEach(portal);
  return portal.asked().length;
}

describe.each(accounts)("exactly once (account %s)", (_name, options) => {
  test.each(["drop", "reset"] as const)("whichever request meets a %s", async (type) => {
    const count = await requestsOf(options);
    expect(count).toBeGreaterThan(5);
    for (let after = 0; after < count; after += 1) {
      const portal = await readyPortal(options);
      const call = missedCall(portal);
      portal.crm.faults.add({ type, after, times: 1 });
      await call.deliver();
      await deliverAtLast(portal, call);
      expectOneOfEach(portal);
    }
  });

  test.each(["drop", "reset"] as const)(
    "when we die after a %s and start again, and a rep's edit in between stays",
    async (type) => {
      const count = await requestsOf(options);
      for (let after = 0; after < count; after += 1) {
        const portal = await readyPortal(options);
        const { people } = portal.crm;
        const call = missedCall(portal);
        portal.crm.faults.add({ type, after, times: 1 });
        const first = await call.deliver();
        const [made] = people.calls();
        if (made) people.edit("calls", made.id, { hs_call_title: "Wants a car" });
        portal.reconnect();
        if ("failed" in first) portal.passes(first.failed.afterMs ?? 1_000);
        await deliverAtLast(portal, call, { hs_call_title: "A better title", hs_call_duration: 1 });
        expectOneOfEach(portal);
        expect(people.calls()[0]?.properties).toMatchObject({
          hs_call_title: made ? "Wants a car" : "A better title",
          hs_call_duration: "1",
        });
      }
    },
  );

  test("when every request fails once", async () => {
    const portal = await readyPortal(options);
    const call = missedCall(portal);
    for (let tries = 0; tries < 20; tries += 1) {
      portal.crm.faults.clear();
      portal.crm.faults.add({ type: "drop", after: tries, times: 1 });
      const result = await call.deliver();
      if (!("failed" in result)) break;
      portal.passes(result.failed.afterMs ?? 1_000);
    }
    portal.crm.faults.clear();
    await deliverAtLast(portal, call);
    expectOneOfEach(portal);
  });

  test("two unknown callers of one number, at the same time", async () => {
    const portal = await readyPortal(options);
    const createContact = { number, fields: {} };
    const records = ["1", "2", "3"].map((id) => callRecord(id, { createContact }));
    await Promise.all(records.map((record) => portal.connector.saveCalls([record])));
    expect(portal.crm.people.contacts()).toHaveLength(1);
    expect(portal.crm.people.calls().filter(({ associations }) => associations["contacts"])).toHaveLength(3);
  });

  test("a refused contact fails its own call only", async () => {
    const portal = await readyPortal(options);
    const createContact = { number, fields: { email: "nonsense" } };
    const [bad, good] = await portal.connector.saveCalls([
      callRecord("1", { createContact }),
      callRecord("2"),
    ]);
    expect(failure(bad)).toMatchObject({ retry: "never", message: expect.stringContaining("nonsense") });
    expect(good).toHaveProperty("saved");
  });

  test("a contact that has the e-mail address already is the caller's", async () => {
    const portal = await readyPortal(options);
    const id = portal.crm.people.addContact({ email: "sanne@example.com" });
    const createContact = { number, fields: { email: "sanne@example.com" } };
    const results = await portal.connector.saveCalls([callRecord("1", { createContact })]);
    expect(results).toMatchObject([{ contact: { id } }]);
    expect(portal.crm.people.contacts()).toHaveLength(1);
  });
});
