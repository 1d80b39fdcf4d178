import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkMapping } from "../../src/mapping/check.ts";
import { createMappingFiles } from "../../src/mapping/file.ts";
import { type ArrangedOrg, arrangeOrg } from "./salesforce-org.ts";

describe("what an org looks like", () => {
  let crm: ArrangedOrg;
  beforeEach(async () => {
    crm = await arrangeOrg();
  });
  afterEach(() => crm.tearDown());

  test("has owners: the people, with their time zone, and marks those who left and the queues", async () => {
    const { people } = crm.org;
    const TimeZoneSidKey = "Europe/Amsterdam";
    const id = people.addUser({ LastName: "Bos", Name: "Bos", Email: "bos@example.com", TimeZoneSidKey });
    const gone = people.addUser({
      IsActive: false,
      Name: "Vos",
      LastName: "Vos",
      Email: "vos@example.com",
      TimeZoneSidKey,
    });
    const queue = people.addQueue("Inbound");
    people.addUser({ UserType: "AutomatedProcess" });
    const owners = await crm.connector.owners?.();
    expect(owners).toHaveLength(4);
    expect(owners).toContainEqual({
      id: gone,
      name: "Vos",
      email: "vos@example.com",
      timeZone: TimeZoneSidKey,
      left: true,
    });
    expect(owners).toContainEqual({ id: queue, name: "the queue Inbound", left: true });
    expect(owners).toContainEqual({ id, name: "Bos", email: "bos@example.com", timeZone: TimeZoneSidKey });
  });

  test("has more owners than one page", async () => {
    for (let i = 0; i < 2_100; i += 1) crm.org.people.addUser({});
    expect(await crm.connector.owners?.()).toHaveLength(2_101);
  });

  test("has the fields that our mapping needs, with their types", async () => {
    const fields = await crm.connector.fields?.();
    const mapping = createMappingFiles().read(
      fileURLToPath(new URL("../../mappings/salesforce.json", import.meta.url)),
    );
    if (!fields) throw new Error("no fields");
    expect(checkMapping(mapping, fields, "salesforce.json")).toEqual([]);
    expect(fields.readable).toEqual(expect.arrayContaining(["Department", "Company", "AccountNumber"]));
    const byName = new Map(fields.activity.map((field) => [field.name, field]));
    expect(byName.get("CallDurationInSeconds")).toEqual({
      name: "CallDurationInSeconds",
      type: "number",
      writable: true,
    });
    expect(byName.get("ActivityDate")?.type).toBe("date");
    expect(byName.get("IsClosed")).toMatchObject({ type: "boolean", writable: false });
    expect(byName.get("CallType")).toMatchObject({
      type: "picklist",
      options: ["Internal", "Inbound", "Outbound"],
    });
    expect(byName.get("Subject")).toEqual({ name: "Subject", type: "string", writable: true });
  });

  test("is read once an hour, at most", async () => {
    await crm.connector.prepare?.();
    expect(crm.asked().filter((kind) => kind === "describe")).toHaveLength(4);
    await crm.connector.prepare?.();
    await crm.connector.fields?.();
    expect(crm.asked()).toEqual([]);
  });

  test("is told at the start when our package is missing", async () => {
    crm.org.settings.withPackage = false;
    await crm.connector.prepare?.();
    expect(crm.warnings).toEqual([expect.stringContaining("give the user its permission set")]);
  });

  test("may have its leads hidden from us", async () => {
    crm.org.people.addContact({ Phone: "+31612345678" });
    const body = [{ errorCode: "NOT_FOUND", message: "The requested resource does not exist" }];
    crm.org.faults.add({ type: "status", status: 404, body, match: "/sobjects/Lead/describe" });
    await crm.connector.prepare?.();
    expect((await crm.connector.findContacts(["+31612345678"])).size).toBe(1);
    expect(await crm.connector.changedContacts?.(undefined)).toMatchObject({
      contacts: [{ kind: "contact" }],
    });
  });
});
