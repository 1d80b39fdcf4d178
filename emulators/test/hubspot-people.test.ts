import { expect, test } from "vitest";
import { ask, startPortal } from "./hubspot-requests.ts";

const at = "2026-11-20T10:00:00Z";

test("a merged contact answers by the id of its winner, and its calls move along", async () => {
  const portal = await startPortal();
  const { people } = portal;
  const winner = people.addContact({ firstname: "Anna", phone: "+31612345678" });
  const loser = people.addContact({ firstname: "Anne", email: "anna@example.com" });
  const [early = "", late = ""] = [1, 2].map(() => people.add("calls", { hs_timestamp: at }));
  people.associate(early, "contacts", loser);
  people.merge(winner, loser);
  const read = await ask(portal, "GET", `objects/contacts/${loser}?properties=email,hs_merged_object_ids`);
  expect(read.body).toMatchObject({
    id: winner,
    properties: { firstname: "Anna", email: "anna@example.com", hs_merged_object_ids: loser },
  });
  const answer = await ask(portal, "POST", "associations/calls/contacts/batch/associate/default", {
    inputs: [{ from: { id: late }, to: { id: loser } }],
  });
  expect(answer.body.results[0]).toMatchObject({ from: {}, to: {} });
  expect(people.calls().map(({ associations }) => associations)).toEqual([
    { contacts: [winner] },
    { contacts: [winner] },
  ]);
  const listed = await ask(portal, "GET", "objects/contacts");
  expect(listed.body.results.map(({ id }) => id)).toEqual([winner]);
  expect((await ask(portal, "GET", "objects/contacts?archived=true")).body.results).toEqual([]);
});

test("merging again follows the whole chain", async () => {
  const portal = await startPortal();
  const { people } = portal;
  const [a = "", b = "", c = ""] = ["A", "B", "C"].map((firstname) => people.addContact({ firstname }));
  people.merge(b, a);
  people.merge(c, b);
  const read = await ask(portal, "GET", `objects/contacts/${a}`);
  expect(read.body.id).toBe(c);
});

test("reps edit, associate, dissociate and archive behind our back", async () => {
  const portal = await startPortal();
  const { people } = portal;
  const contact = people.addContact({ firstname: "Anna" });
  const call = people.add("calls", { hs_timestamp: at });
  people.edit("calls", call, { hs_call_title: "Edited by a rep" });
  people.associate(call, "contacts", contact);
  expect(people.calls()).toMatchObject([
    { id: call, properties: { hs_call_title: "Edited by a rep" }, associations: { contacts: [contact] } },
  ]);
  people.dissociate(call, "contacts", contact);
  expect(people.calls()[0]?.associations).toEqual({});
  people.archive("calls", call);
  expect(people.calls()).toEqual([]);
});

test("people cannot do what the portal refuses", async () => {
  const { people } = await startPortal();
  expect(() => people.addContact({ nope: "x" })).toThrow("PROPERTY_DOESNT_EXIST");
  expect(() => people.edit("contacts", "404", { firstname: "x" })).toThrow("no contacts 404");
});

test("owners are found by address, by id and by user, archived ones apart", async () => {
  const portal = await startPortal();
  const { people } = portal;
  const [anna = "", bram = ""] = ["Anna", "Bram"].map((firstName) =>
    people.addOwner({ email: `${firstName}@example.com`, firstName }),
  );
  people.archiveOwner(bram);
  const ids = async (query: string) =>
    (await ask(portal, "GET", `owners/?${query}`)).body.results.map(({ id }) => id);
  expect(await ids("limit=500")).toEqual([anna]);
  expect(await ids("archived=true")).toEqual([bram]);
  expect(await ids("email=anna%40example.com")).toEqual([anna]);
  expect(await ids("email=bram%40example.com")).toEqual([]);
  expect((await ask(portal, "GET", `owners/${anna}`)).body).toMatchObject({ id: anna, userId: 4_000_001 });
  expect((await ask(portal, "GET", "owners/4000001?idProperty=userId")).body.id).toBe(anna);
  expect((await ask(portal, "GET", `owners/${bram}`)).status).toBe(404);
  expect((await ask(portal, "GET", "owners/?limit=501")).status).toBe(400);
});

test("owners come in pages", async () => {
  const portal = await startPortal();
  const ids = Array.from({ length: 3 }, (_, n) => portal.people.addOwner({ email: `${n}@example.com` }));
  const first = await ask(portal, "GET", "owners/?limit=2");
  const second = await ask(portal, "GET", `owners/?limit=2&after=${first.body.paging?.next.after}`);
  expect([...first.body.results, ...second.body.results].map(({ id }) => id)).toEqual(ids);
  expect(second.body.paging).toBeUndefined();
});

test("the page shows what a rep sees", async () => {
  const portal = await startPortal();
  const { people } = portal;
  const owner = people.addOwner({ email: "anna@example.com", firstName: "Anna", lastName: "Owner" });
  const contact = people.addContact({ firstname: "Bram", lastname: "<b>", phone: "+31612345678" });
  const call = people.add("calls", {
    hs_timestamp: at,
    hs_call_title: "Inbound call",
    hs_call_body: "First line<br/>second &lt;line&gt;",
    hs_call_duration: "245000",
    hs_call_disposition: "f240bbac-87c9-4f6e-bf70-924b57d47db7",
    hs_call_recording_url: "https://recordings.test/1.mp3",
    hubspot_owner_id: owner,
  });
  people.associate(call, "contacts", contact);
  people.add("tasks", { hs_timestamp: at, hs_task_subject: "Call back", hs_task_status: "NOT_STARTED" });
  const html = await (await fetch(portal.url)).text();
  for (const part of ["Bram &lt;b&gt;", "Inbound call", "Anna Owner", "Connected", "4:05", "Call back"]) {
    expect(html).toContain(part);
  }
  expect(html).toContain('href="https://recordings.test/1.mp3"');
  expect(html).toContain("First line\nsecond &lt;line&gt;");
});
