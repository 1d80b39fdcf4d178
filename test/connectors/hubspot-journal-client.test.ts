import { expect, test } from "vitest";
import { failureOf } from "./consent.ts";
import { appAt, kinds, type Started, start } from "./hubspot-consent.ts";

const portalId = "62515";
const look = ({ uninstalls, app, context }: Started, cursor?: string) => uninstalls(app, cursor, context);
const times = (started: Started, kind: string) => kinds(started).filter((one) => one === kind).length;

async function subscribed(): Promise<Started> {
  const started = await start();
  expect(await look(started)).toEqual({ accounts: [], more: false });
  return started;
}

function comeAndGo({ crm, passes, context }: Started): { id: string; at: number } {
  passes(1_000);
  crm.people.install();
  crm.people.uninstall();
  return { id: portalId, at: context.now() };
}

test("subscribes once, and asks with one token until that ends", async () => {
  const started = await subscribed();
  for (let looks = 0; looks < 3; looks += 1) await look(started);
  expect(kinds(started)).toEqual(["token", "journal subscription", ...Array(4).fill("journal")]);
  started.passes(1_800_000);
  await look(started);
  expect(kinds(started).slice(6)).toEqual(["token", "journal"]);
});

test("reads uninstalls from the earliest on, one after another", async () => {
  const started = await subscribed();
  const [first, second] = [comeAndGo(started), comeAndGo(started)];
  const one = await look(started);
  expect(one).toEqual({ accounts: [first], cursor: expect.any(String), more: true });
  const two = await look(started, one.cursor);
  expect(two).toEqual({ accounts: [second], cursor: expect.any(String), more: true });
  expect(await look(started, two.cursor)).toEqual({ accounts: [], cursor: two.cursor, more: false });
});

test("begins at the earliest again where the journal does not go back so far", async () => {
  const started = await subscribed();
  const gone = comeAndGo(started);
  expect((await look(started, "of/last month")).accounts).toEqual([gone]);
});

test("takes a subscription that is there already", async () => {
  const started = await start();
  const message = "A subscription for this event type already exists.";
  started.crm.faults.add({
    ...{ type: "status", status: 400, body: { status: "error", message } },
    ...{ match: "journal subscription", times: 1 },
  });
  expect(await look(started)).toEqual({ accounts: [], more: false });
  await look(started);
  expect(times(started, "journal subscription")).toBe(1);
});

test("gets a new token at the next look when the old one is refused", async () => {
  const started = await subscribed();
  started.crm.expireToken();
  const { failure } = await failureOf(look(started));
  expect(failure).toBe("later");
  expect(await look(started)).toEqual({ accounts: [], more: false });
});

test.each([
  ["away", { type: "status", status: 503 }, "journal"],
  ["in a hurry", { type: "status", status: 429 }, "journal"],
  ["cut off", { type: "reset" }, "journal"],
  ["behind a link that has ended", { type: "status", status: 403 }, "journal file"],
  ["a page of some proxy", { type: "status", status: 200, text: "<h1>Sign in</h1>" }, "journal file"],
  ["without a link", { type: "status", status: 200, body: { currentOffset: "1" } }, "journal"],
  [
    "at a link that is no secure one",
    { type: "status", status: 200, body: { currentOffset: "1", url: "http://127.0.0.1:1/" } },
    "journal",
  ],
] as const)("a journal that is %s is read later, from the same place", async (_, fault, match) => {
  const started = await subscribed();
  const gone = comeAndGo(started);
  started.crm.faults.add({ ...fault, match: new RegExp(placeOf[match]), times: 1 });
  expect((await failureOf(look(started))).failure).toBe("later");
  expect((await look(started)).accounts).toEqual([gone]);
});

const placeOf = { journal: "/webhooks-journal/journal/", "journal file": "/webhooks-journal-files/" };

test("an app that may not read the journal says so", async () => {
  const started = await start();
  const body = { status: "error", category: "MISSING_SCOPES", message: "This app has no such scopes" };
  started.crm.faults.add({ type: "status", status: 403, body, match: "journal subscription" });
  expect((await failureOf(look(started))).failure).toBe("config");
  const refused = await start();
  refused.crm.faults.add({ type: "status", status: 400, body: { status: "BAD_SCOPES" }, match: "token" });
  const { failure, message } = await failureOf(look(refused));
  expect(failure).toBe("config");
  expect(message).toContain("journal");
  const other = await start();
  const wrong = appAt(other.crm, { clientSecret: "another-secret" });
  const denied = await failureOf(other.uninstalls(wrong, undefined, other.context), "another-secret");
  expect(denied.failure).toBe("config");
});

test("events of other kinds, and without a time, are nobody's uninstall", async () => {
  const started = await subscribed();
  comeAndGo(started);
  const journalEvents = [
    { action: "APP_INSTALL", eventTypeId: "4-1909196", portalId: 1, occurredAt: "2026-11-20T10:00:00Z" },
    { action: "APP_UNINSTALL", portalId: 2 },
    { action: "APP_UNINSTALL", occurredAt: "2026-11-20T10:00:00Z" },
    { action: "APP_UNINSTALL", portalId: "3", occurredAt: 1_795_168_800_000 },
  ];
  started.crm.faults.add({ type: "status", status: 200, body: { journalEvents }, match: "journal file" });
  expect((await look(started)).accounts).toEqual([{ id: "3", at: 1_795_168_800_000 }]);
});
