import { expect, test } from "vitest";
import { ask, callRow, startPortal, startPortalWithKey } from "./hubspot-requests.ts";

const list = "objects/contacts";
const search = "objects/contacts/search";

test("strangers are turned away, and expired tokens are told so", async () => {
  const portal = await startPortal({ token: ["one", "two"] });
  const category = async (token: string) => {
    const { status, body } = await ask(portal, "GET", list, undefined, token);
    return `${status} ${body.category ?? ""}`.trim();
  };
  expect(await category("stranger")).toBe("401 INVALID_AUTHENTICATION");
  expect([await category("one"), await category("two")]).toEqual(["200", "200"]);
  portal.expireToken();
  expect(await category("one")).toBe("401 EXPIRED_AUTHENTICATION");
  portal.acceptToken("new");
  expect([await category("new"), await category("two")]).toEqual(["200", "401 EXPIRED_AUTHENTICATION"]);
  portal.acceptToken("two");
  expect(await category("two")).toBe("200");
});

test.each<[string, string, string, unknown, string]>([
  ["contacts", "GET", list, undefined, "crm.objects.contacts.read"],
  ["calls, which go with contacts", "GET", "objects/calls", undefined, "crm.objects.contacts.read"],
  ["searches", "POST", search, {}, "crm.objects.contacts.read"],
  ["writes", "POST", "objects/calls/batch/upsert", {}, "crm.objects.contacts.write"],
  ["owners", "GET", "owners", undefined, "crm.objects.owners.read"],
  ["companies", "GET", "objects/companies", undefined, "crm.objects.companies.read"],
  ["new properties of calls", "POST", "properties/calls", {}, "crm.schemas.contacts.write"],
  ["associations", "POST", "associations/calls/companies/batch/read", {}, "crm.objects.contacts.read"],
])("%s need their scope", async (_, method, path, body, scope) => {
  const portal = await startPortal({ scopes: [] });
  const refused = await ask(portal, method, path, body);
  expect(refused).toMatchObject({ status: 403, body: { category: "MISSING_SCOPES" } });
  const { requiredGranularScopes = [] } = refused.body.errors[0]?.context ?? {};
  expect(requiredGranularScopes).toContain(scope);
  portal.scopes = requiredGranularScopes;
  expect((await ask(portal, method, path, body)).status).not.toBe(403);
});

test("110 requests in ten seconds, told in headers; the window slides", async () => {
  let now = 0;
  const portal = await startPortal({ now: () => now });
  for (let sent = 0; sent < 110; sent += 1) {
    now += 10;
    const answer = await ask(portal, "GET", list);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-hubspot-ratelimit-remaining")).toBe(String(109 - sent));
  }
  const over = await ask(portal, "GET", list);
  expect(over).toMatchObject({ status: 429, body: { policyName: "TEN_SECONDLY_ROLLING" } });
  expect(over.headers.get("x-hubspot-ratelimit-max")).toBe("110");
  expect(over.headers.get("x-hubspot-ratelimit-interval-milliseconds")).toBe("10000");
  now = 10_010;
  expect((await ask(portal, "GET", list)).status).toBe(200);
  expect((await ask(portal, "GET", list)).status).toBe(429);
});

test("five searches a second for the whole portal, without a word in the headers", async () => {
  let now = 0;
  const portal = await startPortal({ now: () => now, token: ["one", "two"] });
  const statuses: number[] = [];
  for (const token of ["one", "two", "one", "two", "one", "two"]) {
    statuses.push((await ask(portal, "POST", search, {}, token)).status);
  }
  expect(statuses).toEqual([200, 200, 200, 200, 200, 429]);
  const over = await ask(portal, "POST", search, {});
  expect(over.body).toMatchObject({
    policyName: "SECONDLY",
    message: "You have reached your secondly limit.",
  });
  expect([...over.headers.keys()].filter((name) => name.includes("ratelimit"))).toEqual([]);
  expect((await ask(portal, "GET", list)).headers.get("x-hubspot-ratelimit-remaining")).toBe("109");
  now = 1000;
  expect((await ask(portal, "POST", search, {})).status).toBe(200);
});

test("limits can be changed and switched off while it runs", async () => {
  const portal = await startPortal({ now: () => 0 });
  portal.limits = { general: 1, perMs: 1000, search: 1, searchPerMs: 1000 };
  const statuses = async () =>
    [await ask(portal, "GET", list), await ask(portal, "GET", list)].map((a) => a.status);
  expect(await statuses()).toEqual([200, 429]);
  portal.limits = false;
  expect(await statuses()).toEqual([200, 200]);
});

test.each(["TEN_SECONDLY_ROLLING", "SECONDLY", "DAILY"])("plays the limit %s", async (policy) => {
  const portal = await startPortal();
  portal.faults.add({ type: "429", policy, retryAfter: 3, times: 1, match: "list" });
  const answer = await ask(portal, "GET", list);
  expect(answer).toMatchObject({ status: 429, body: { policyName: policy, errorType: "RATE_LIMIT" } });
  expect(answer.headers.get("retry-after")).toBe("3");
  expect((await ask(portal, "GET", list)).status).toBe(200);
});

test("plays a conflict, which refuses the whole batch", async () => {
  const portal = await startPortalWithKey();
  portal.faults.add({ type: "conflict", match: "upsert", times: 1 });
  const inputs = [callRow("a"), callRow("b")];
  const refused = await ask(portal, "POST", "objects/calls/batch/upsert", { inputs });
  expect(refused).toMatchObject({ status: 409, body: { category: "CONFLICT" } });
  expect(portal.people.calls()).toEqual([]);
});

test("a lost answer has written all the same, and a second upsert makes no second call", async () => {
  const portal = await startPortalWithKey();
  portal.faults.add({ type: "drop", match: "upsert", times: 1 });
  const send = () => ask(portal, "POST", "objects/calls/batch/upsert", { inputs: [callRow("a")] });
  await expect(send()).rejects.toThrow("fetch failed");
  expect((await send()).body.results).toMatchObject([{ new: false }]);
  expect(portal.people.calls()).toHaveLength(1);
  expect(portal.requests.map(({ kind, status, inputs }) => [kind, status, inputs])).toEqual([
    ["upsert", "drop", 1],
    ["upsert", 200, 1],
  ]);
});
