import { afterEach, beforeEach, expect, test } from "vitest";
import { inboundCall, scriptOf, sendAll, settledActivities } from "../support/calls.ts";
import { writeCrm } from "../support/crm-files.ts";
import { startServer, type TestServer, waitFor } from "../support/server.ts";

let server: TestServer;
beforeEach(async () => {
  server = await startServer();
});
afterEach(() => server.stop());

const url = () => `${server.url}/api/installations/acme/mapping`;
const headers = { "content-type": "application/json" };

type Apply = {
  id: string;
  state: string;
  calls: number;
  changed: number;
  kept: number;
  examples: { key: string; changes: { field: string; to: unknown }[] }[];
};

async function post(body: object | string): Promise<{ status: number; apply?: Apply; error?: string }> {
  const response = await fetch(`${url()}/apply`, {
    method: "POST",
    headers,
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status: response.status, ...((await response.json()) as object) };
}

const reaches = (state: string): Promise<Apply> =>
  waitFor(`the state ${state}`, async () => {
    const { apply } = (await (await fetch(`${url()}/apply`)).json()) as { apply?: Apply };
    return apply?.state === state && apply;
  });

async function logCalls(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    const customer = i % 2 === 0 ? "+919876543210" : "+31612340000";
    await sendAll(server, "voys", scriptOf(server, "voys", inboundCall("voys", { id: `c${i}`, customer })));
  }
  await settledActivities(server, count);
}

/** Changes the subject of the calls that have a contact. */
async function saveOther(): Promise<void> {
  const { mapping } = (await (await fetch(url())).json()) as { mapping: { activity: object } };
  const subject = {
    text: "{% if contact.name %}Talked to {{ contact.name }}{% else %}{{ call.title }}{% endif %}",
  };
  const other = { ...mapping, activity: { ...mapping.activity, subject } };
  expect((await fetch(url(), { method: "PUT", headers, body: JSON.stringify(other) })).status).toBe(200);
}

test("the plan counts what changes and sends nothing; the run sends that, and what people changed stays", async () => {
  await logCalls(6);
  await saveOther();
  const before = server.crm().activities;
  const edited = before.map((one) =>
    one["key"] === "acme:voys:c0" ? { ...one, subject: "My own words" } : one,
  );
  writeCrm(server.crmFile, { ...server.crm(), activities: edited });
  expect((await post({ days: 7 })).apply).toMatchObject({ state: "planning", calls: 0 });
  const plan = await reaches("planned");
  expect(plan).toMatchObject({ calls: 6, changed: 3 });
  expect(plan.examples[0]?.changes).toContainEqual(
    expect.objectContaining({ field: "subject", to: "Talked to Asha Rao" }),
  );
  expect(server.crm().activities.filter(({ subject }) => String(subject).startsWith("Talked"))).toEqual([]);
  expect((await post({ run: plan.id })).status).toBe(202);
  expect(await reaches("done")).toMatchObject({ calls: 6, changed: 3 });
  const after = await settledActivities(server, 6);
  const subjects = Object.fromEntries(after.map(({ key, subject }) => [String(key), subject]));
  expect(subjects).toEqual({
    ...Object.fromEntries(before.map(({ key, subject }) => [String(key), subject])),
    "acme:voys:c0": "My own words",
    "acme:voys:c2": "Talked to Asha Rao",
    "acme:voys:c4": "Talked to Asha Rao",
  });
  await post({ days: 7 });
  expect(await reaches("planned")).toMatchObject({ changed: 0, kept: 1 });
});

test("what it cannot do is refused with a reason", async () => {
  for (const body of [{ days: 0 }, { days: 91 }, {}, "[", { days: 1, run: "x" }])
    expect((await post(body)).status, JSON.stringify(body)).toBe(400);
  expect(await post({ run: "unknown" })).toMatchObject({
    status: 409,
    error: expect.stringContaining("plan"),
  });
  expect(await (await fetch(`${url()}/apply`)).json()).toEqual({});
  await post({ days: 1 });
  const { id } = await reaches("planned");
  const both = await Promise.all([post({ run: id }), post({ run: id })]);
  expect(both.map(({ status }) => status).sort()).toEqual([202, 409]);
});

test("it can be stopped, and one whose process ended counts as stopped", async () => {
  const { store } = server.parts.flow;
  const left = { id: "x", state: "running", days: 1, since: "2026-01-01T00:00:00.000Z", by: "Noor" };
  const body = { ...left, calls: 0, changed: 0, notLogged: 0, kept: 0, examples: [] };
  await store.saveMappingApply("acme", JSON.stringify(body), Date.now());
  expect((await post({ days: 1 })).status).toBe(409);
  const stopped = await fetch(`${url()}/apply`, { method: "DELETE" });
  expect(await stopped.json()).toMatchObject({ apply: { id: "x", state: "stopped" } });
  await store.saveMappingApply("acme", JSON.stringify(body), Date.now() - 120_000);
  await reaches("stopped");
  expect((await post({ days: 1 })).status).toBe(202);
  await reaches("planned");
});
