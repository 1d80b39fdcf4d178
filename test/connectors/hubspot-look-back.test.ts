import { describe, expect, test } from "vitest";
import {
  callRecord,
  failure,
  type Portal,
  readyPortal,
  storedCall,
  withoutSchemas,
} from "./hubspot-portal.ts";

const creates = (portal: Portal) => portal.asked().filter((kind) => kind === "batch create");
const account = { scopes: withoutSchemas, indexLagMs: 20_000 };
const parts = [
  ["a call", "/calls/batch/create"],
  ["a contact", "/contacts/batch/create"],
  ["a task", "/tasks/batch/create"],
] as const;

/** A portal that is up for some time, with a record whose answer was lost. */
async function lost(match: string) {
  const portal = await readyPortal(account);
  portal.passes(3_600_000);
  const task = { fields: { hs_task_subject: "Call back" } };
  const createContact = { number: "+31612345678", fields: {} };
  const call = storedCall(portal, callRecord("1", { task, createContact }));
  portal.crm.faults.add({ type: "drop", match, times: 1 });
  expect(failure(await call.deliver())).toMatchObject({ retry: "later" });
  portal.asked();
  return { portal, call };
}

describe.each(parts)("where HubSpot refuses our key, %s whose answer was lost", (_name, match) => {
  test("is not sent again before the search can show it, and the reason says so", async () => {
    const { portal, call } = await lost(match);
    const path = match.split("/")[1] ?? "";
    const before = portal.crm.requests.length;
    const error = failure(await call.deliver());
    expect(error.message).toMatch(/looked for before it is sent again/);
    expect(error.afterMs).toBeGreaterThan(0);
    expect(error.afterMs).toBeLessThanOrEqual(60_000);
    expect(
      portal.crm.requests.slice(before).filter(({ path: asked }) => asked.includes(`${path}/batch/create`)),
    ).toEqual([]);
  });

  test("is found afterwards and not sent again", async () => {
    const { portal, call } = await lost(match);
    portal.passes(61_000);
    for (let tries = 0; tries < 3; tries += 1) {
      const result = await call.deliver();
      if ("saved" in result) break;
      portal.passes(61_000);
    }
    const { people } = portal.crm;
    expect([people.calls(), people.contacts(), people.tasks()].map(({ length }) => length)).toEqual([
      1, 1, 1,
    ]);
  });

  test("is not sent again by a restart of ours either", async () => {
    const { portal, call } = await lost(match);
    const connector = portal.reconnect();
    await connector.prepare?.();
    portal.asked();
    expect(failure(await call.deliver()).afterMs).toBeGreaterThan(0);
    expect(creates(portal)).toEqual([]);
    for (let tries = 0; tries < 4; tries += 1) {
      portal.passes(61_000);
      if ("saved" in (await call.deliver())) break;
    }
    const { people } = portal.crm;
    expect([people.calls(), people.contacts(), people.tasks()].map(({ length }) => length)).toEqual([
      1, 1, 1,
    ]);
  });
});

describe("where HubSpot refuses our key", () => {
  test("a call that HubSpot refused for certain is sent again at once", async () => {
    const portal = await readyPortal(account);
    portal.passes(3_600_000);
    const call = storedCall(portal, callRecord("1"));
    portal.crm.faults.add({ type: "status", status: 423, match: "batch create", times: 1 });
    expect(failure(await call.deliver())).toMatchObject({ retry: "later" });
    expect(await call.deliver()).toMatchObject({ created: true });
  });

  test("a person is told once that it is so, and the calls are logged", async () => {
    const portal = await readyPortal({ callUnique: false });
    for (const id of ["1", "2"]) await portal.connector.saveCalls([callRecord(id)]);
    expect(portal.warnings).toEqual([expect.stringMatching(/does not take our unique property/)]);
    expect(portal.crm.people.calls()).toHaveLength(2);
  });

  test("another caller's task of the same subject is not taken for ours", async () => {
    const portal = await readyPortal(account);
    portal.crm.people.add("tasks", { hs_task_subject: "Call back", hs_timestamp: "2026-11-19T10:00:00Z" });
    portal.passes(3_600_000);
    const call = storedCall(portal, callRecord("1", { task: { fields: { hs_task_subject: "Call back" } } }));
    portal.crm.faults.add({ type: "reset", match: "/tasks/batch/create", times: 1 });
    await call.deliver();
    portal.passes(61_000);
    expect(await call.deliver()).toHaveProperty("saved");
    expect(portal.crm.people.tasks()).toHaveLength(2);
  });

  test("a leg that was sent a moment ago is taken back when the search can show it", async () => {
    const portal = await readyPortal(account);
    portal.passes(3_600_000);
    const call = storedCall(portal, callRecord("1"));
    portal.crm.faults.add({ type: "drop", match: "batch create", times: 1 });
    await call.deliver();
    const leg = { key: "acme:voys:1", sentAt: portal.now() };
    await expect(portal.connector.removeCalls?.([leg])).rejects.toMatchObject({ retry: "later" });
    portal.passes(61_000);
    await portal.connector.removeCalls?.([leg]);
    expect(portal.crm.people.calls()).toEqual([]);
  });

  test("a leg is taken back also when the mapping gives no id of the call", async () => {
    const portal = await readyPortal(account);
    const call = storedCall(portal, callRecord("1", { fields: { hs_call_title: "a" } }));
    await call.deliver();
    portal.reconnect();
    portal.passes(61_000);
    await portal.connector.removeCalls?.([{ key: "acme:voys:1", sentAt: portal.now() }]);
    expect(portal.crm.people.calls()).toEqual([]);
  });
});
