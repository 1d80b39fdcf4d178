import { describe, expect, test } from "vitest";
import {
  callRecord,
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

  test("a contact is made without the value that HubSpot refuses", async () => {
    const portal = await readyPortal(options);
    const createContact = { number, fields: { email: "nonsense", firstname: "Sanne" } };
    const [bad, good] = await portal.connector.saveCalls([
      callRecord("1", { createContact }),
      callRecord("2"),
    ]);
    const [contact] = portal.crm.people.contacts();
    expect(bad).toMatchObject({ contact: { id: contact?.id } });
    expect(bad).toMatchObject({ without: [expect.stringMatching(/the new contact's email: .*nonsense/)] });
    expect(contact?.properties).toMatchObject({ firstname: "Sanne", phone: number });
    expect(good).not.toHaveProperty("without");
  });

  test("a contact that HubSpot does not take at all leaves its call without one, until it can be made", async () => {
    const portal = await readyPortal(options);
    const body = {
      status: "error",
      category: "VALIDATION_ERROR",
      message: "A rule of this account refuses it",
    };
    const mend = portal.crm.faults.add({
      type: "status",
      status: 400,
      body,
      match: /contacts\/batch\/create/,
    });
    const call = storedCall(
      portal,
      callRecord("1", { createContact: { number, fields: { firstname: "S" } } }),
    );
    const first = await call.deliver();
    expect(first).toMatchObject({
      created: true,
      without: [expect.stringMatching(/a contact for its caller: .*A rule/)],
    });
    expect(first).not.toHaveProperty("contact");
    mend();
    const again = await call.deliver();
    expect(again).toMatchObject({ created: false, contact: { id: portal.crm.people.contacts()[0]?.id } });
    expect(portal.crm.people.calls()).toHaveLength(1);
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
