import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { numberToFilter } from "../../src/routes/route.ts";
import { inboundCall, scriptOf, sendAll, settledActivities } from "../support/calls.ts";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
const hers = inboundCall("voys", { id: "hers" });
const his = inboundCall("bird", { id: "his", customer: "+31501234567" });
const stranger = inboundCall("exotel", { id: "stranger/1?x", customer: "+31612340000" });

type Body = Record<string, unknown> & { items: Record<string, unknown>[]; next?: string; error: string };

beforeAll(async () => {
  server = await startServer();
  await sendAll(server, "voys", scriptOf(server, "voys", hers));
  await settledActivities(server, 1);
  await sendAll(server, "bird", scriptOf(server, "bird", his));
  await settledActivities(server, 2);
  await sendAll(server, "exotel", scriptOf(server, "exotel", stranger));
  await settledActivities(server, 3);
});
afterAll(() => server.stop());

async function get(path: string): Promise<{ status: number; body: Body }> {
  const response = await fetch(`${server.url}${path}`);
  return { status: response.status, body: (await response.json()) as Body };
}

const keys = ({ items }: Body) => items.map(({ key }) => key);

describe("GET /api/calls", () => {
  test("lists calls, the latest first, with who, what and where it went", async () => {
    const { body } = await get("/api/calls");
    expect(keys(body)).toEqual(["acme:exotel:stranger/1?x", "acme:bird:his", "acme:voys:hers"]);
    expect(body.items[2]).toMatchObject({
      state: "logged",
      direction: "inbound",
      outcome: "completed",
      number: "+919876543210",
      contact: { id: "1", kind: "contact", name: "Asha Rao" },
      ownerId: "11",
      activityId: expect.any(String),
    });
    expect(body.items[0]).not.toHaveProperty("contact");
    expect(body).not.toHaveProperty("next");
  });

  test("pages with a cursor until there is no more", async () => {
    const first = await get("/api/calls?limit=2");
    expect(keys(first.body)).toHaveLength(2);
    const second = await get(`/api/calls?limit=2&cursor=${first.body.next}`);
    expect(keys(second.body)).toEqual(["acme:voys:hers"]);
    expect(second.body).not.toHaveProperty("next");
  });

  test("takes a cursor of any size that a store gives: PostgreSQL's have 16 digits", async () => {
    const { status, body } = await get("/api/calls?limit=2&cursor=3758096384000123");
    expect([status, keys(body).length]).toEqual([200, 2]);
  });

  test.each([
    ["installation=acme&provider=voys", ["acme:voys:hers"]],
    ["provider=retell", []],
    ["state=dead", []],
    ["number=%2B919876543210", ["acme:voys:hers"]],
    ["number=+919876543210", ["acme:voys:hers"]],
    ["number=050-1234567&installation=acme", ["acme:bird:his"]],
    ["since=2020-01-01&number=%2B31501234567", ["acme:bird:his"]],
    ["since=2099-01-01", []],
    ["direction=inbound&outcome=completed&provider=voys", ["acme:voys:hers"]],
    ["direction=outbound", []],
    ["matched=no", ["acme:exotel:stranger/1?x"]],
    ["matched=yes&provider=bird&installation=acme", ["acme:bird:his"]],
    ["recording=yes&provider=voys", []],
    ["contact=1", ["acme:voys:hers"]],
    ["q=+91 98765-43210", ["acme:voys:hers"]],
    ["q=asha", ["acme:voys:hers"]],
    ["q=stranger/1%3Fx", ["acme:exotel:stranger/1?x"]],
    ["q=acme:bird:his", ["acme:bird:his"]],
    ["q=nobody of this name", []],
    ["until=2020-01-01T00:00:00Z", []],
  ])("filters by %s", async (query, expected) => {
    const { status, body } = await get(`/api/calls?${query}`);
    expect({ status, keys: keys(body) }).toEqual({ status: 200, keys: expected });
  });

  test.each([
    ["limit=0", "limit: give a whole number"],
    ["limit=201", "limit: give a whole number"],
    ["limit=1e2", "limit: give a whole number"],
    ["limit=1&limit=2", "limit: give a whole number"],
    ["cursor=-1", "cursor: give the `next`"],
    ["cursor=9999999999999999999999", "cursor: give the `next`"],
    ["state=lost", "state: give one of open, waiting"],
    ["number=anonymous", "number: this is no phone number"],
    ["number=%00", "number: "],
    ["since=yesterday", "since: give a date"],
    ["until=2026-02-30T25:00:00Z", "until: there is no such"],
    ["installation=__proto__", "installation: give one name"],
    ["stat=dead", 'there is no parameter "stat": known here are installation, limit'],
    ["__proto__=1", 'there is no parameter "__proto__"'],
    ["limit=0&state=lost", "state: give one of"],
  ])("refuses %s and names the cure", async (query, error) => {
    const { status, body } = await get(`/api/calls?${query}`);
    expect(status).toBe(400);
    expect(body.error).toContain(error);
  });
});

test("GET /api/calls.csv has a line for each call, and none of them is a formula", async () => {
  const response = await fetch(`${server.url}/api/calls.csv?matched=yes`);
  expect(response.headers.get("content-type")).toContain("text/csv");
  const [names = "", ...lines] = (await response.text()).trim().split("\r\n");
  expect(names).toMatch(/^key,installation,provider,state,/);
  expect(lines.map((line) => line.split(",")[0])).toEqual(["acme:bird:his", "acme:voys:hers"]);
  expect(lines[1]).toContain("Asha Rao");
  expect(lines.join("\n")).not.toMatch(/(?:^|,)[=@-]/m);
});

describe("the whole story of a call", () => {
  type Fact = {
    name: string;
    value: unknown;
    from: { kind: string; delivery: number }[];
    overruled: unknown[];
  };
  type Field = { field: string; value?: unknown; sent?: unknown; pending?: true; written: unknown[] };

  test("says which webhook each fact comes from, and what was written to each field", async () => {
    const { body } = await get("/api/calls/acme:voys:hers");
    const facts = new Map((body["facts"] as Fact[]).map((fact) => [fact.name, fact]));
    expect(facts.get("outcome")).toMatchObject({
      value: "completed",
      from: [{ kind: "ended" }],
      overruled: [],
    });
    expect(facts.get("customer")?.from.length).toBeGreaterThan(1);
    expect(facts.get("talkSeconds")?.from).toEqual([]);
    const fields = new Map((body["fields"] as Field[]).map((field) => [field.field, field]));
    expect(fields.get("direction")).toMatchObject({ value: "inbound", sent: "inbound" });
    expect(fields.get("contactId")).toMatchObject({ value: "1", sent: "1" });
    expect([...fields.values()].filter(({ pending }) => pending)).toEqual([]);
  });

  test("has every webhook as it was received, without the secrets", async () => {
    const { body } = await get("/api/calls/acme:voys:hers");
    const ids = (body["deliveries"] as { id: number }[]).map(({ id }) => id);
    expect(ids.length).toBeGreaterThan(1);
    const raw = (await get(`/api/deliveries/${ids[0]}`)).body;
    expect(raw).toMatchObject({ provider: "voys", encoding: "utf8", calls: ["acme:voys:hers"] });
    expect(JSON.parse(String(raw["body"]))).toMatchObject({ call_id: "hers" });
    expect((await get("/api/deliveries/999999")).body.error).toContain("there is no webhook");
    expect((await get("/api/deliveries/1e3")).status).toBe(404);
  });

  test("is decoded again on request, and nothing doubles", async () => {
    const before = server.crm().activities;
    const response = await fetch(`${server.url}/api/calls/acme:bird:his/replay`, { method: "POST" });
    expect([response.status, await response.json()]).toEqual([
      202,
      { key: "acme:bird:his", deliveries: expect.any(Number) },
    ]);
    await expect.poll(async () => (await get("/api/calls?state=logged")).body.items.length).toBe(3);
    expect(server.crm().activities).toEqual(before);
  });
});

test.each([
  [" 6591234567", "a plus that was not encoded"],
  ["+6591234567", "an encoded one"],
])("the number %j is read in full: %s", (raw) => {
  expect(numberToFilter(raw, "NL")).toBe("+6591234567");
});

describe("GET /api/calls/:key", () => {
  test("tells all about one call, also when its id has odd characters", async () => {
    const { status, body } = await get(`/api/calls/${encodeURIComponent("acme:exotel:stranger/1?x")}`);
    expect(status).toBe(200);
    expect(Object.keys(body).sort()).toEqual([
      "call",
      "crm",
      "deliveries",
      "events",
      "explanation",
      "facts",
      "fields",
      "history",
      "recordingUrl",
      "summary",
    ]);
    expect(body["explanation"]).toMatchObject({
      state: "logged",
      contact: { reason: "no contact has this number" },
    });
  });

  test.each(["/api/calls/nobody", "/api/calls/nobody/retry", "/api/installations/nobody/mapping"])(
    "says that there is nothing: %s",
    async (path) => {
      const response = await fetch(`${server.url}${path}`, {
        method: path.endsWith("retry") ? "POST" : "GET",
      });
      expect(response.status).toBe(404);
      expect(((await response.json()) as Body).error).toContain('"nobody"');
    },
  );

  test("refuses a path that cannot be decoded", async () => {
    expect((await get("/api/calls/%E0%A4%A")).status).toBe(400);
  });
});

describe("POST /api/calls/:key/retry", () => {
  const retry = (key: string) =>
    fetch(`${server.url}/api/calls/${encodeURIComponent(key)}/retry`, { method: "POST" });

  test("logs the call once more, as the same activity", async () => {
    const before = (await get("/api/calls/acme:voys:hers")).body["history"] as unknown[];
    const response = await retry("acme:voys:hers");
    expect([response.status, await response.json()]).toEqual([
      202,
      { key: "acme:voys:hers", state: "waiting" },
    ]);
    expect(await settledActivities(server)).toHaveLength(3);
    const after = (await get("/api/calls/acme:voys:hers")).body["history"] as unknown[];
    expect(after).toHaveLength(before.length + 1);
  });

  test("refuses a call that is not over", async () => {
    const [first] = scriptOf(server, "voys", inboundCall("voys", { id: "ringing" }));
    await sendAll(server, "voys", first ? [first] : []);
    await settledActivities(server, 3);
    const response = await retry("acme:voys:ringing");
    expect(response.status).toBe(409);
    expect(await response.json()).toEqual({ error: expect.stringContaining("not over yet") });
  });
});

describe("the other lists", () => {
  test("show deliveries that nobody could use", async () => {
    const body = JSON.stringify({
      call_id: "odd",
      status: "moonwalk",
      version: "v2",
      timestamp: "2026-01-02T03:04:05Z",
    });
    const url = `${server.url}/webhooks/acme/voys?key=voys-secret`;
    expect((await fetch(url, { method: "POST", body })).status).toBe(200);
    await settledActivities(server, 3);
    const unused = (await get("/api/unused?installation=acme&limit=5")).body.items;
    expect(unused[0]).toMatchObject({
      provider: "voys",
      kind: "moonwalk",
      events: 0,
      url: "/webhooks/acme/voys",
    });
    expect((await get("/api/unused?cursor=1")).status).toBe(400);
  });

  test("show no dead calls while the CRM takes all of them", async () => {
    expect((await get("/api/dead?installation=acme")).body).toEqual({ items: [] });
  });

  test("show the installations with their webhooks and counts, and no secret", async () => {
    const { body } = await get("/api/installations");
    expect(body.items).toHaveLength(1);
    expect(body.items[0]).toMatchObject({
      ...{ name: "acme", crm: "local", region: "NL", timeZone: "Europe/Amsterdam" },
      calls: { logged: 3 },
      contacts: { indexed: 2, syncedAt: expect.stringMatching(/Z$/) },
    });
    const webhooks = body.items.flatMap(({ providers }) =>
      (providers as { webhook: string }[]).map(({ webhook }) => webhook),
    );
    const base = "https://hooks.example.com/webhooks/acme";
    expect(webhooks).toEqual([
      `${base}/exotel?key=…`,
      `${base}/voys?key=…`,
      `${base}/retell`,
      `${base}/bird`,
    ]);
    const why = "the installation's setting reconcile is off";
    expect(body.items[0]?.["providers"]).toContainEqual(
      expect.objectContaining({ id: "exotel", lostWebhooks: { asked: false, why } }),
    );
    expect(JSON.stringify(body)).not.toContain("-secret");
  });
});

test("a method that a path does not have gets 405 and the right ones", async () => {
  const response = await fetch(`${server.url}/api/installations/acme/mapping`, { method: "DELETE" });
  expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, PUT"]);
});

test("an unknown path gets 404 as JSON", async () => {
  expect(await get("/api/nothing")).toEqual({
    status: 404,
    body: { error: "there is nothing at /api/nothing" },
  });
});
