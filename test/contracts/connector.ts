import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Contact, ContactRef } from "../../src/core/contact.ts";
import type { CallRecord, Connector, Fields, FieldValue, SaveResult } from "../../src/core/crm.ts";

/** An activity as a person sees it in the CRM. */
type SeenActivity = { id: string; key: string; contactId?: string; ownerId?: string; fields: Fields };

/**
 * What people and time do in the CRM itself, behind the connector's back.
 * `fields`: names of three writable fields of an activity (two texts, one number), and one record's fields that the CRM refuses.
 * `followUps`: how many follow-up tasks there are.
 */
export type Arranged = {
  connector: Connector;
  fields: { title: string; note: string; seconds: string; refused: Fields };
  contactFields: Fields;
  taskFields: Fields;
  addContact(contact: Pick<Contact, "name" | "phones">): Promise<ContactRef>;
  activities(): Promise<SeenActivity[]>;
  edit(activityId: string, fields: Fields): Promise<void>;
  remove(activityId: string): Promise<void>;
  followUps(): Promise<number>;
  tearDown(): Promise<void>;
};

type Saved = Extract<SaveResult, { saved: string }>;

const dutch = "+31612345678";
const indian = "+919876543210";

/** The contract that every connector keeps. Its own test adds its oddities. */
export function testConnector(name: string, arrange: () => Promise<Arranged>): void {
  describe(`${name} keeps the connector contract`, () => {
    let crm: Arranged;
    let connector: Connector;

    beforeEach(async () => {
      crm = await arrange();
      connector = crm.connector;
      await connector.prepare?.();
    });
    afterEach(async () => {
      await connector.close?.();
      await crm.tearDown();
    });

    const call = (key: string, fields: Fields = { [crm.fields.title]: "Inbound call" }): CallRecord => ({
      key: `acme:voys:${key}`,
      fields,
      modes: {},
      ours: {},
    });
    const save = async (record: CallRecord): Promise<Saved> =>
      savedOf(await connector.saveCalls([record]), record);

    test("finds everybody who has a number, and nobody else", async () => {
      const sanne = await crm.addContact({ name: "Sanne", phones: [dutch, "+31501234567"] });
      const bram = await crm.addContact({ name: "Bram", phones: ["+31 50 123 4567"] });
      const found = await connector.findContacts([dutch, "+31501234567", "+12137771234"]);
      expect(found.get(dutch)?.map(({ id }) => id)).toEqual([sanne.id]);
      expect(
        found
          .get("+31501234567")
          ?.map(({ id }) => id)
          .sort(),
      ).toEqual([sanne.id, bram.id].sort());
      expect([...found.keys()].sort()).toEqual([dutch, "+31501234567"].sort());
      expect(found.get(dutch)?.[0]).toMatchObject({ ...sanne, name: "Sanne" });
    });

    test("saves a call with its contact and all of its fields", async () => {
      const contact = await crm.addContact({ name: "Sanne", phones: [dutch] });
      const { title, note, seconds } = crm.fields;
      const fields = { [title]: "Inbound call", [note]: 'Ünïcode ☎ "quoted"\nnext line', [seconds]: 61 };
      const saved = await save({ ...call("1", fields), contact });
      expect(saved).toMatchObject({ created: true, kept: [] });
      expect(saved.wrote).toMatchObject(fields);
      const [seen, ...others] = await crm.activities();
      expect(others).toEqual([]);
      expect(seen).toMatchObject({ id: saved.saved, key: "acme:voys:1", contactId: contact.id });
      expect(asTexts(seen?.fields)).toMatchObject(asTexts(fields));
    });

    test("saves the same call twice as one activity, with and without its id", async () => {
      const first = await save(call("1"));
      const again = await save(call("1"));
      const byId = await save({ ...call("1"), activityId: first.saved });
      expect([again, byId]).toMatchObject(Array(2).fill({ saved: first.saved, created: false, kept: [] }));
      expect(await crm.activities()).toHaveLength(1);
    });

    test("saves the same call once when two ask at the same time", async () => {
      const results = await Promise.all([1, 2, 3].map(() => save(call("1"))));
      expect(new Set(results.map(({ saved }) => saved)).size).toBe(1);
      expect(await crm.activities()).toHaveLength(1);
    });

    test("takes the last one of a key that is twice in a batch", async () => {
      const { title } = crm.fields;
      const batch = [call("1", { [title]: "first" }), call("2"), call("1", { [title]: "last" })];
      const results = await connector.saveCalls(batch);
      expect(new Set(results.map(({ key }) => key))).toEqual(new Set(batch.map(({ key }) => key)));
      const seen = await crm.activities();
      expect(seen).toHaveLength(2);
      expect(seen.find(({ key }) => key === "acme:voys:1")?.fields[title]).toBe("last");
    });

    test("updates what it wrote, and keeps what a person changed or emptied", async () => {
      const { title, note, seconds } = crm.fields;
      const first = await save(call("1", { [title]: "a", [note]: "a", [seconds]: 1 }));
      await crm.edit(first.saved, { [title]: "a person's", [note]: "" });
      const second = await save({
        ...call("1", { [title]: "b", [note]: "b", [seconds]: 2 }),
        activityId: first.saved,
        ours: valuesOf(first.wrote),
      });
      expect(second.wrote).toEqual({ [seconds]: 2 });
      expect([...second.kept].sort()).toEqual([title, note].sort());
      const [seen] = await crm.activities();
      expect(asTexts(seen?.fields)).toMatchObject({ [title]: "a person's", [seconds]: "2" });
      expect(seen?.fields[note] ?? "").toBe("");
    });

    test("writes once only at creation, and if-empty only into an empty field", async () => {
      const { title, note } = crm.fields;
      const modes = { [title]: "once", [note]: "if-empty" } as const;
      const first = await save({ ...call("1", { [title]: "a" }), modes });
      const ours = valuesOf(first.wrote);
      const second = await save({ ...call("1", { [title]: "b", [note]: "b" }), modes, ours });
      expect(second.wrote).toEqual({ [note]: "b" });
      const third = await save({ ...call("1", { [note]: "c" }), modes, ours: { ...ours, [note]: ["b"] } });
      expect(third.wrote).toEqual({});
      expect((await crm.activities())[0]?.fields).toMatchObject({ [title]: "a", [note]: "b" });
    });

    test("leaves an activity that a person deleted where it is", async () => {
      const first = await save(call("1"));
      await save(call("2"));
      await crm.remove(first.saved);
      const [result] = await connector.saveCalls([{ ...call("1"), activityId: first.saved }]);
      expect(result).toEqual({ key: "acme:voys:1", gone: true });
      expect((await crm.activities()).map(({ key }) => key)).toEqual(["acme:voys:2"]);
    });

    test("saves a call without the field that the CRM cannot take, and its neighbours whole", async () => {
      const { title, refused } = crm.fields;
      const bad = call("2", { [title]: "b", ...refused });
      const records = [call("1", { [title]: "a" }), bad, call("3", { [title]: "c" })];
      const results = await connector.saveCalls(records);
      const without = records.map((record) => savedOf(results, record).without);
      expect(without).toEqual([undefined, expect.any(Array), undefined]);
      for (const name of Object.keys(refused)) expect(without[1]?.join()).toContain(name);
      expect(savedOf(results, bad).wrote).toMatchObject({ [title]: "b" });
      for (const name of Object.keys(refused)) expect(savedOf(results, bad).wrote).not.toHaveProperty(name);
      expect((await crm.activities()).map(({ fields }) => fields[title]).sort()).toEqual(["a", "b", "c"]);
    });

    test("answers for every call of a full batch", async () => {
      const batch = Array.from({ length: connector.batchSize }, (_, i) => call(String(i)));
      const results = await connector.saveCalls(batch);
      const ids = batch.map((record) => savedOf(results, record).saved);
      expect(new Set(ids).size).toBe(connector.batchSize);
      expect(await crm.activities()).toHaveLength(connector.batchSize);
    });

    test("saves nothing of an empty batch", async () => {
      expect(await connector.saveCalls([])).toEqual([]);
    });

    test("makes the contact of an unknown caller, once for all of their calls", async () => {
      const createContact = { number: indian, fields: crm.contactFields };
      const batch = [call("1"), call("2")].map((record) => ({ ...record, createContact }));
      const results = await connector.saveCalls(batch);
      const [later] = await connector.saveCalls([{ ...call("3"), createContact }]);
      const contacts = (await connector.findContacts([indian])).get(indian) ?? [];
      expect(contacts).toHaveLength(1);
      const { id, kind } = contacts[0] as Contact;
      expect([...results, later]).toMatchObject(Array(3).fill({ created: true, contact: { id, kind } }));
      const linked = (await crm.activities()).map(({ contactId }) => contactId);
      expect(linked).toEqual([id, id, id]);
    });

    test("makes a follow-up once", async () => {
      const record = { ...call("1"), task: { fields: crm.taskFields } };
      const first = await save(record);
      await save({ ...record, ours: valuesOf(first.wrote) });
      await save({ ...record, activityId: first.saved, ours: valuesOf(first.wrote) });
      expect(await crm.followUps()).toBe(1);
    });

    test("takes back an activity, also one that is gone already", async () => {
      if (!connector.removeCalls) return;
      const { saved } = await save(call("1"));
      await save(call("2"));
      const leg = { key: "acme:voys:1", activityId: saved };
      await connector.removeCalls([leg]);
      await connector.removeCalls([leg]);
      expect((await crm.activities()).map(({ key }) => key)).toEqual(["acme:voys:2"]);
    });

    test("tells which contacts changed, and then nothing new", async () => {
      if (!connector.changedContacts) return;
      const sanne = await crm.addContact({ name: "Sanne", phones: [dutch] });
      const first = await allChanges(connector, undefined);
      expect(first.contacts.map(({ id }) => id)).toContain(sanne.id);
      const bram = await crm.addContact({ name: "Bram", phones: [indian] });
      const second = await allChanges(connector, first.cursor);
      expect(second.contacts.map(({ id }) => id)).toContain(bram.id);
      expect((await connector.changedContacts(second.cursor)).more).toBe(false);
    });

    test("gives up when it is told to", async () => {
      const stopped = AbortSignal.abort();
      const asked = [connector.findContacts([dutch], stopped), connector.saveCalls([call("1")], stopped)];
      for (const { status, ...rest } of await Promise.allSettled(asked)) {
        expect(status).toBe("rejected");
        expect(rest).toMatchObject({ reason: { name: "CrmError", retry: "later" } });
      }
      expect(await crm.activities()).toEqual([]);
    });
  });
}

async function allChanges(connector: Connector, from: string | undefined) {
  const contacts: Contact[] = [];
  let cursor = from;
  for (;;) {
    const page = await connector.changedContacts?.(cursor);
    if (!page) return { contacts, cursor };
    contacts.push(...page.contacts);
    cursor = page.cursor;
    if (!page.more) return { contacts, cursor };
  }
}

function savedOf(results: readonly SaveResult[], { key }: CallRecord): Saved {
  const result = results.find((each) => each.key === key);
  if (result && "saved" in result) return result;
  if (result && "failed" in result) throw result.failed;
  throw new Error(`${key} was not saved: ${JSON.stringify(result)}`);
}

/** What a flow remembers as ours after a save. */
function valuesOf(wrote: Fields): Record<string, FieldValue[]> {
  return Object.fromEntries(Object.entries(wrote).map(([name, value]) => [name, [value]]));
}

function asTexts(fields: Fields = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]));
}
