import { expect, test } from "vitest";
import { appToken, startWithApp } from "./hubspot-app.ts";
import { ask } from "./hubspot-requests.ts";

const subscriptions = "/webhooks-journal/subscriptions/2026-03";
const uninstalled = { subscriptionType: "APP_LIFECYCLE_EVENT", eventTypeId: "4-1916193", properties: [] };
const installed = { ...uninstalled, eventTypeId: "4-1909196" };

async function subscribed(...events: object[]) {
  const { portal, clock } = await startWithApp();
  const token = await appToken(portal);
  for (const event of events) {
    expect((await ask(portal, "POST", subscriptions, event, token)).status).toBe(200);
  }
  const read = async (where: string, version = "2026-03") => {
    const path = `/webhooks-journal/journal/${version}/${where}`;
    const { status, body } = await ask(portal, "GET", path, undefined, await appToken(portal));
    const told = body as unknown as { currentOffset: string; expiresAt: string; url: string };
    return { ...told, status };
  };
  return { portal, clock, token, read };
}

type File = { offset: string; journalEvents: { action: string }[]; publishedAt: string };
const open = async (url: string) => (await (await fetch(url)).json()) as File;

test("a quiet journal has nothing to tell", async () => {
  const { read } = await subscribed(uninstalled);
  expect([(await read("earliest")).status, (await read("latest", "2026-09")).status]).toEqual([204, 204]);
});

test("an uninstall is read from a file behind a link", async () => {
  const { portal, clock, read } = await subscribed(uninstalled);
  portal.people.install();
  portal.people.uninstall();
  const entry = await read("earliest");
  const at = new Date(clock.now).toISOString();
  expect(entry).toMatchObject({ status: 200, currentOffset: expect.any(String) });
  expect(Date.parse(entry.expiresAt)).toBeGreaterThan(clock.now);
  expect(await open(entry.url)).toMatchObject({
    offset: entry.currentOffset,
    journalEvents: [{ action: "APP_UNINSTALL", portalId: 62_515, occurredAt: at }],
    publishedAt: at,
  });
  expect((await read(`offset/${entry.currentOffset}/next`)).status).toBe(204);
  clock.now = Date.parse(entry.expiresAt);
  expect((await fetch(entry.url)).status).toBe(403);
});

test("the journal is read on from an offset, to the end", async () => {
  const { portal, read } = await subscribed(installed, uninstalled);
  portal.people.install();
  await ask(portal, "DELETE", "/appinstalls/2026-03/external-install");
  portal.people.install();
  portal.people.install();
  const actions: string[] = [];
  for (let entry = await read("earliest"); entry.status === 200; ) {
    actions.push(...(await open(entry.url)).journalEvents.map(({ action }) => action));
    entry = await read(`offset/${entry.currentOffset}/next`);
  }
  expect(actions).toEqual(["APP_INSTALL", "APP_UNINSTALL", "APP_INSTALL"]);
  const [latest] = (await open((await read("latest")).url)).journalEvents;
  expect(latest?.action).toBe("APP_INSTALL");
  expect((await read("offset/made-up/next")).status).toBe(400);
});

test("only what was subscribed to is written", async () => {
  const { portal, token, read } = await subscribed(installed);
  portal.people.install();
  portal.people.uninstall();
  expect((await read("latest")).currentOffset).toBe((await read("earliest")).currentOffset);
  const unknown = { ...uninstalled, eventTypeId: "4-1" };
  expect((await ask(portal, "POST", subscriptions, unknown, token)).status).toBe(400);
});

test("entries are gone after three days, and the offset still leads on", async () => {
  const { portal, clock, read } = await subscribed(installed, uninstalled);
  portal.people.install();
  const { currentOffset } = await read("earliest");
  clock.now += 2 * 24 * 3_600_000;
  portal.people.uninstall();
  clock.now += 24 * 3_600_000;
  const next = await read(`offset/${currentOffset}/next`);
  expect(next.currentOffset).toBe((await read("earliest")).currentOffset);
  expect((await open(next.url)).journalEvents).toMatchObject([{ action: "APP_UNINSTALL" }]);
});

test("the journal is the app's own: tokens of installs do not open it, its token opens no portal", async () => {
  const { portal, token } = await subscribed();
  portal.people.install();
  const path = "/webhooks-journal/journal/2026-03/earliest";
  expect((await ask(portal, "GET", path)).body.category).toBe("MISSING_SCOPES");
  expect((await ask(portal, "POST", subscriptions, uninstalled)).status).toBe(403);
  portal.acceptToken("given");
  expect((await ask(portal, "GET", path, undefined, "given")).status).toBe(403);
  expect((await ask(portal, "GET", path, undefined, "stranger")).status).toBe(401);
  expect((await ask(portal, "GET", "objects/contacts", undefined, token)).status).toBe(403);
});

test("the journal knows no limit", async () => {
  const { portal, read } = await subscribed();
  portal.limits = { general: 1, perMs: 10_000, search: 1, searchPerMs: 1000 };
  for (const _ of [1, 2, 3]) expect((await read("earliest")).status).toBe(204);
});
