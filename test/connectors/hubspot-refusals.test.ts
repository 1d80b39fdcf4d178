import { describe, expect, test } from "vitest";
import type { HubspotAccount } from "../../connectors/hubspot/account.ts";
import { leaveOut } from "../../connectors/hubspot/leave-out.ts";
import type { CallRecord } from "../../src/core/crm.ts";
import { CrmError } from "../../src/core/errors.ts";
import { callRecord, readyPortal, saved, storedCall } from "./hubspot-portal.ts";

const number = "+31612345678";
const createContact = (fields: Record<string, string>) => ({ createContact: { number, fields } });
const withFields = (id: string, fields: Record<string, string>): CallRecord => {
  const record = callRecord(id);
  return { ...record, fields: { ...record.fields, ...fields } };
};

describe("an owner whom HubSpot has archived", () => {
  test("gives way to the default owner, for the call and the follow-up", async () => {
    const { crm, connector } = await readyPortal();
    const [ownerId = "", fallbackOwnerId = ""] = ["left", "desk"].map((name) =>
      crm.people.addOwner({ email: `${name}@example.com` }),
    );
    crm.people.archiveOwner(ownerId);
    const result = saved(await connector.saveCalls([callRecord("1", { ownerId, fallbackOwnerId })]));
    expect(result.wrote).toMatchObject({ ownerId: fallbackOwnerId });
    expect(result.without).toEqual([
      expect.stringMatching(`the owner ${ownerId}, so the default owner has it`),
    ]);
    expect(crm.people.calls()[0]?.properties["hubspot_owner_id"]).toBe(fallbackOwnerId);
  });

  test("leaves the call without one when there is no default, or that has left too", async () => {
    const { crm, connector } = await readyPortal();
    const ids = ["a", "b"].map((name) => crm.people.addOwner({ email: `${name}@example.com` }));
    for (const id of ids) crm.people.archiveOwner(id);
    const [ownerId = "", fallbackOwnerId = ""] = ids;
    const results = await connector.saveCalls([
      callRecord("1", { ownerId }),
      callRecord("2", { ownerId, fallbackOwnerId }),
    ]);
    for (const result of results) expect(result).toMatchObject({ created: true });
    expect(crm.people.calls().map(({ properties }) => properties["hubspot_owner_id"])).toEqual([
      undefined,
      undefined,
    ]);
  });
});

describe("a link to a recording", () => {
  test.each([
    "http://calls.example.com/recordings/1",
    "https://localhost:8484/recordings/1",
    "https://10.0.0.7/recordings/1",
    "https://pbx.internal/recordings/1",
    "recording 1",
  ])("%s is left out without asking, with the cure", async (link) => {
    const portal = await readyPortal();
    const record = withFields("1", { hs_call_recording_url: link });
    const result = saved(await portal.connector.saveCalls([record]));
    expect(result.without).toEqual([expect.stringMatching(/link to the recording.*https:\/\/.*publicUrl/)]);
    expect(portal.asked()).toEqual(["upsert"]);
    expect(portal.crm.people.calls()[0]?.properties["hs_call_recording_url"]).toBeUndefined();
  });

  test("is added at the next save, once it is one that HubSpot takes", async () => {
    const portal = await readyPortal();
    const call = storedCall(
      portal,
      withFields("1", { hs_call_recording_url: "http://127.0.0.1/recordings/1" }),
    );
    await call.deliver();
    const link = "https://calls.example.com/recordings/1";
    const again = await call.deliver({ fields: { hs_call_recording_url: link } });
    expect(again).toMatchObject({ created: false, wrote: { hs_call_recording_url: link } });
  });
});

describe("the contact of an unknown caller", () => {
  test.each([
    ["firstname", "www.deals.example"],
    ["lastname", "https://deals.example/now"],
    ["mobilephone", "none"],
  ])("is made without the %s %s", async (name, value) => {
    const { crm, connector } = await readyPortal();
    const result = saved(await connector.saveCalls([callRecord("1", createContact({ [name]: value }))]));
    expect(result.without).toEqual([expect.stringMatching(`the new contact's ${name}: `)]);
    const [contact] = crm.people.contacts();
    expect(result.contact?.id).toBe(contact?.id);
    expect(contact?.properties).toMatchObject({ phone: number });
    expect(contact?.properties[name]).toBeUndefined();
  });

  test("has its number where the mapping has letters for one", async () => {
    const { crm, connector } = await readyPortal();
    saved(await connector.saveCalls([callRecord("1", createContact({ phone: "reception" }))]));
    expect(crm.people.contacts()[0]?.properties).toMatchObject({ phone: number });
  });

  test("whom the account may not have is no reason to wait", async () => {
    const { crm, connector } = await readyPortal();
    const body = { status: "error", message: "Your contact limit is reached" };
    crm.faults.add({ type: "status", status: 403, body, match: /contacts\/batch\/create/ });
    const result = saved(await connector.saveCalls([callRecord("1", createContact({ firstname: "Sanne" }))]));
    expect(result.without).toEqual([expect.stringMatching(/a contact for its caller: .*contact limit/)]);
  });
});

test("a contact that HubSpot does not associate leaves its call without it, until it does", async () => {
  const portal = await readyPortal();
  const id = portal.crm.people.addContact({ phone: number });
  const call = storedCall(portal, callRecord("1", { contact: { id, kind: "contact" } }));
  const body = {
    status: "error",
    category: "VALIDATION_ERROR",
    message: "The limit of associations is reached",
  };
  const mend = portal.crm.faults.add({ type: "status", status: 400, body, match: "associate" });
  const first = await call.deliver();
  expect(first).toMatchObject({
    created: true,
    without: [expect.stringMatching(/its contact .*limit of associations/)],
  });
  expect(first).not.toHaveProperty("wrote.contactId");
  mend();
  expect(await call.deliver()).toMatchObject({ wrote: { contactId: id } });
  expect(portal.crm.people.calls()[0]?.associations["contacts"]).toEqual([id]);
});

test("a value with blanks around it is sent without them", async () => {
  const { crm, connector } = await readyPortal();
  const record = withFields("1", { hs_call_duration: " 65000\u200b", hs_call_direction: "INBOUND " });
  expect(saved(await connector.saveCalls([record]))).not.toHaveProperty("without");
  expect(crm.people.calls()[0]?.properties).toMatchObject({
    hs_call_duration: "65000",
    hs_call_direction: "INBOUND",
  });
});

test("a follow-up that the account may not have leaves the call logged", async () => {
  const { crm, connector } = await readyPortal();
  crm.faults.add({
    type: "status",
    status: 403,
    body: { status: "error", message: "No tasks" },
    match: /tasks/,
  });
  const task = { fields: { hs_task_subject: "Call back" } };
  const result = saved(await connector.saveCalls([callRecord("1", { task })]));
  expect(result.without).toEqual([expect.stringMatching(/the follow-up task: .*No tasks/)]);
});

test("before the last try all that a call can be without is left out", () => {
  const fields = { hs_timestamp: "1", hs_call_title: "Call", hs_call_body: "b", hs_call_duration: "1" };
  const wrote = { ...fields, ownerId: "7" };
  const call = { record: callRecord("1"), wrote, leftAlone: [], without: [] };
  const account = { context: { now: Date.now }, warn() {} } as unknown as HubspotAccount;
  const error = new CrmError("never", "HubSpot refuses the row: no hs_call_body");
  expect(leaveOut(account, call, error, true)?.wrote).toEqual({ hs_timestamp: "1", hs_call_title: "Call" });
});
