import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { connectors } from "../../connectors/index.ts";
import { local } from "../../connectors/local/index.ts";
import { chooseContact } from "../../src/core/contact.ts";
import type { CallRecord, Fields } from "../../src/core/crm.ts";
import { testConnector } from "../contracts/connector.ts";
import { call, connectTo, type LocalCrm, openLocalCrm } from "./local-crm.ts";

testConnector("local", async () => {
  const crm = openLocalCrm();
  return {
    connector: crm.connector,
    fields: { title: "subject", note: "note", seconds: "talkSeconds", refused: { id: "mine" } },
    contactFields: { name: "Unknown caller" },
    taskFields: { subject: "Call back" },
    addContact: async (contact) => {
      const id = String(crm.read().contacts.length + 1);
      crm.edit(({ contacts }) => contacts.push({ id, ...contact }));
      return { id, kind: "contact" };
    },
    activities: async () =>
      crm.read().activities.map(({ id, key, contactId, ownerId, ...fields }) => ({
        id: String(id),
        key: String(key),
        ...(contactId !== undefined && { contactId: String(contactId) }),
        ...(ownerId !== undefined && { ownerId: String(ownerId) }),
        fields: fields as Fields,
      })),
    edit: async (activityId, fields) =>
      crm.edit(({ activities }) => {
        Object.assign(activities.find(({ id }) => id === activityId) ?? {}, fields);
      }),
    remove: async (activityId) =>
      crm.edit((content) => {
        content.activities = content.activities.filter(({ id }) => id !== activityId);
      }),
    followUps: async () => crm.read().tasks?.length ?? 0,
    tearDown: crm.tearDown,
  };
});

describe("the local CRM", () => {
  let crm: LocalCrm;
  const open = (...args: Parameters<typeof openLocalCrm>) => {
    crm = openLocalCrm(...args);
    return crm.connector;
  };
  afterEach(() => crm.tearDown());

  test("is in the list of CRMs under its own id, and takes nothing but a file", () => {
    open();
    expect(connectors["local"]).toBe(local);
    const { settings } = local;
    expect(settings.safeParse({ type: "local", file: "crm.json" }).success).toBe(true);
    for (const wrong of [
      {},
      { type: "local" },
      { type: "local", file: "" },
      { type: "local", file: "x", flie: "y" },
    ])
      expect(settings.safeParse(wrong).success).toBe(false);
  });

  test("reads contacts as people write them", async () => {
    const connector = open({
      contacts: [
        {
          id: 7,
          kind: "lead",
          name: " Asha ",
          phones: ["098765 43210", 919876543210, "12", "sip:x@y"],
          email: null,
          plan: "gold",
          vip: true,
          tags: ["a"],
          ["__proto__x"]: 1,
          updatedAt: "2026-11-02",
        },
        { id: "8", phones: null },
      ],
    });
    const found = await connector.findContacts(["+919876543210", "12", "", "__proto__", "constructor"]);
    expect([...found.keys()]).toEqual(["+919876543210"]);
    expect(found.get("+919876543210")).toEqual([
      {
        id: "7",
        kind: "lead",
        name: "Asha",
        phones: ["098765 43210", "919876543210", "12", "sip:x@y"],
        activeAt: "2026-11-02T00:00:00.000Z",
        fields: { plan: "gold", vip: true, __proto__x: 1, updatedAt: "2026-11-02" },
      },
    ]);
    expect((await connector.changedContacts?.(undefined))?.contacts).toHaveLength(2);
  });

  test("knows the owners", async () => {
    const connector = open({
      owners: [
        { id: 1, name: "Asha", email: "asha@example.com" },
        { id: "2", team: "x" },
      ],
    });
    expect(await connector.owners?.()).toEqual([
      { id: "1", name: "Asha", email: "asha@example.com" },
      { id: "2" },
    ]);
  });

  test("lists its contacts again after a restart only when they changed", async () => {
    const connector = open({ contacts: [{ id: "1", phones: ["+31612345678"] }] });
    const first = await connector.changedContacts?.(undefined);
    expect(first).toMatchObject({ full: true, more: false, removed: [] });
    await connector.saveCalls([
      call("a"),
      { ...call("b"), createContact: { number: "+12137771234", fields: {} } },
    ]);
    const second = await connector.changedContacts?.(first?.cursor);
    expect(second?.contacts).toHaveLength(2);
    await connector.close?.();
    const restarted = connectTo(crm.path);
    await restarted.saveCalls([call("c")]);
    const third = await restarted.changedContacts?.(second?.cursor);
    expect(third).toEqual({ contacts: [], removed: [], cursor: second?.cursor, more: false });
    await restarted.close?.();
  });

  test("lets a person relink and reassign a call", async () => {
    const connector = open();
    const contact = { id: "1", kind: "contact" } as const;
    const [first] = await connector.saveCalls([{ ...call("a"), contact, ownerId: "1" }]);
    expect(first).toMatchObject({ wrote: { contactId: "1", ownerId: "1", subject: "Inbound call" } });
    crm.edit(({ activities }) => Object.assign(activities[0] ?? {}, { ownerId: "9" }));
    const ours = { contactId: ["1"], ownerId: ["1"], subject: ["Inbound call"] };
    const [second] = await connector.saveCalls([
      { ...call("a"), contact: { ...contact, id: "2" }, ownerId: "3", ours },
    ]);
    expect(second).toMatchObject({ wrote: { contactId: "2" }, kept: ["ownerId"] });
    expect(crm.read().activities[0]).toMatchObject({ contactId: "2", ownerId: "9" });
  });

  test("does not make the contact again that a person took away", async () => {
    const connector = open();
    const record = { ...call("a"), createContact: { number: "+12137771234", fields: {} } };
    await connector.saveCalls([record]);
    crm.edit((content) => {
      content.contacts = [];
      delete content.activities[0]?.["contactId"];
    });
    const [again] = await connector.saveCalls([{ ...record, ours: { contactId: ["1"] } }]);
    expect(again).toEqual({ key: "a", saved: "1", created: false, wrote: {}, kept: [] });
    expect(crm.read().contacts).toEqual([]);
  });

  test("does not give a new call's activity to an old call that had its id", async () => {
    const connector = open();
    await connector.saveCalls([call("old")]);
    crm.edit((content) => {
      content.activities = [];
    });
    expect(await connector.saveCalls([call("new")])).toMatchObject([{ saved: "1", created: true }]);
    expect(await connector.saveCalls([{ ...call("old"), activityId: "1" }])).toEqual([
      { key: "old", gone: true },
    ]);
  });

  test("does not bring back a follow-up that a person deleted", async () => {
    const connector = open();
    const record = { ...call("a"), task: { fields: { subject: "Call back" } }, ownerId: "4" };
    await connector.saveCalls([record]);
    expect(crm.read().tasks).toEqual([{ id: "1", key: "a", ownerId: "4", subject: "Call back" }]);
    crm.edit((content) => {
      content.tasks = [];
    });
    await connector.saveCalls([record]);
    expect(crm.read().tasks ?? []).toEqual([]);
  });

  test("refuses a call without a key, and leaves nothing behind", async () => {
    expect(await open().saveCalls([call("", { subject: "x" })])).toMatchObject([
      { failed: { retry: "never" } },
    ]);
    expect(crm.read()).toEqual({ contacts: [], owners: [], activities: [] });
  });

  test.each<[Fields, CallRecord["createContact"], RegExp]>([
    [{ key: "b" }, undefined, /^key: /],
    [{ subject: Number.NaN }, undefined, /^subject: /],
    [{ subject: {} as string }, undefined, /^subject: /],
    [{}, { number: "anonymous", fields: {} }, /^a contact for its caller: /],
    [{}, { number: "+12137771234", fields: { kind: "ghost" } }, /^a contact for its caller: .*kind/],
    [{}, { number: "+12137771234", fields: { phones: "none" } }, /^a contact for its caller: .*phones/],
  ])("saves a call without %j and the new contact %j, and says so", async (fields, createContact, words) => {
    const record = { ...call("a", fields), ...(createContact && { createContact }) };
    const without = [expect.stringMatching(words)];
    expect(await open().saveCalls([record])).toMatchObject([{ saved: "1", without }]);
    expect(crm.read()).toEqual({ contacts: [], owners: [], activities: [{ id: "1", key: "a" }] });
  });

  test("keeps names and texts that try to break out", async () => {
    const connector = open();
    const text = '"}]\u0000\ud800\u2028\n{"id":"1"}';
    const fields = JSON.parse('{"__proto__": "a", "constructor": "b"}') as Fields;
    const [saved] = await connector.saveCalls([call("x", { ...fields, text })]);
    expect(saved).toMatchObject({ created: true });
    const [activity] = crm.read().activities;
    expect(activity?.["text"]).toBe(text);
    expect(Object.entries(activity ?? {}).slice(2, 4)).toEqual([
      ["__proto__", "a"],
      ["constructor", "b"],
    ]);
    expect(await connector.saveCalls([{ ...call("x", { text }), ours: {} }])).toMatchObject([
      { wrote: {}, kept: [] },
    ]);
  });

  test("keeps a transcript of a megabyte", async () => {
    const connector = open();
    const transcript = "é☎".repeat(250_000);
    await connector.saveCalls([call("a"), call("b", { transcript }), call("c")]);
    expect(crm.read().activities.map((activity) => activity["transcript"])).toEqual([
      undefined,
      transcript,
      undefined,
    ]);
  });

  test("comes with sample contacts that explain a choice", async () => {
    const connector = open(
      readFileSync(join(import.meta.dirname, "../../connectors/local/sample.json"), "utf8"),
    );
    const numbers = ["+919876543210", "+12137771234", "+31612345678", "+31501234567"];
    const found = await connector.findContacts(numbers);
    const choices = numbers.map((number) => chooseContact(found.get(number) ?? []));
    expect(choices.map(({ contact }) => contact?.name)).toEqual([
      "Rohan Mehta",
      "María Ortiz",
      "Sanne de Vries",
      "Sanne de Vries",
    ]);
    expect(choices[1]?.reason).toContain("most recently active");
    expect(choices[3]?.reason).toContain("contact before lead before company");
    expect(await connector.owners?.()).toHaveLength(4);
  });
});
