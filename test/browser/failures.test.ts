import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { en } from "../../console/src/text/failures.ts";
import { nl } from "../../console/src/text/nl.ts";
import { openBrowser, type TestBrowser } from "../support/browser.ts";
import { inboundCall, jsonRequest, scriptOf, send, sendAll } from "../support/calls.ts";
import { adminToken, expectForAll, openConsole } from "../support/console.ts";
import { salesforceWorld } from "../support/crm-worlds.ts";
import { startServer, type TestServer, waitFor } from "../support/server.ts";

const count = 250;
const picklist = {
  object: "Task",
  code: "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
  message: "Status: bad value for restricted picklist field: Completed",
};

let world: Awaited<ReturnType<typeof salesforceWorld>>;
let server: TestServer;
let browser: TestBrowser;
let heal: () => void;

beforeAll(async () => {
  world = await salesforceWorld({});
  server = await startServer({
    settings: { crm: world.settings },
    environment: { SWITCHHOOK_ADMIN_TOKEN: adminToken },
  });
  heal = world.org.people.addRule({ ...picklist, refuses: () => true });
  await call(count);
  await waitFor("the calls to be refused", async () => (await deadCalls()) === count, 60);
  browser = await openBrowser();
}, 180_000);
afterAll(async () => {
  await browser.stop();
  await server.stop();
  await world.emulator.stop();
});

async function call(times: number): Promise<void> {
  for (let n = 0; n < times; n += 1)
    await sendAll(server, "voys", scriptOf(server, "voys", inboundCall("voys")));
}

async function deadCalls(): Promise<number> {
  const counts = await server.parts.flow.store.counts();
  return counts.find(({ state }) => state === "dead")?.calls ?? 0;
}

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const group = (page: Page) => page.locator(".group");
const progress = (page: Page) => page.locator(".retry").first();

const views = [
  { width: 1280, scheme: "light", language: "en" },
  { width: 1280, scheme: "dark", language: "nl" },
  { width: 390, scheme: "light", language: "nl" },
  { width: 390, scheme: "dark", language: "en" },
] as const;

test.each(views)("the inbox is for all: %j", async (view) => {
  const { page, faults } = await openConsole(browser, server.url, "/failures", view);
  await group(page).waitFor();
  await expectForAll(page);
  if (view.language === "nl") expect(await page.innerText("h1")).toBe(nl.failures.title);
  const tabs = view.language === "nl" ? nl.failures.tabs : en.tabs;
  for (const tab of [tabs.waiting, tabs.unused]) {
    await page.getByRole("link", { name: tab }).click();
    await page.waitForSelector(".empty");
    await expectForAll(page);
  }
  expect(faults).toEqual([]);
});

test("one group has all calls of a reason, with its cure at the field, and leads to them", async () => {
  const { page, faults } = await openConsole(browser, server.url, "/failures");
  await group(page).waitFor();
  expect(await group(page).count()).toBe(1);
  expect(await group(page).innerText()).toContain(en.problems.option("Status"));
  expect(await group(page).locator(".badge").innerText()).toBe("250 calls");
  expect(await page.locator("nav .count").innerText()).toBe("250");
  const cure = page.getByRole("link", { name: en.cures.mappingAt("Status") });
  expect(await cure.getAttribute("href")).toBe("/mapping/acme#Status");
  await page.getByRole("link", { name: en.showCalls }).click();
  await page.waitForSelector("tbody tr");
  expect(await page.locator("tbody tr").count()).toBe(50);
  expect(new URL(page.url()).searchParams.get("group")).toMatch(/^[0-9a-f]{12}$/);
  expect(faults).toEqual([]);
});

test("an ignored group is hidden until another call falls into it, which is seen without a reload", async () => {
  const { page } = await openConsole(browser, server.url, "/failures");
  await button(page, en.ignore).click();
  await page.waitForSelector(".empty");
  expect(await page.innerText(".empty")).toContain(en.none);
  await page.getByText(en.ignored("1")).click();
  await expectForAll(page);
  await call(1);
  await group(page).waitFor();
  expect(await group(page).locator(".badge").innerText()).toBe("251 calls");
});

test("a retry shows how many match, is cancelled in the middle, and leaves the right number", async () => {
  const { page, faults } = await openConsole(browser, server.url, "/failures");
  heal();
  const back = world.fail();
  await button(page, en.retryAll("251")).click();
  await page.getByText(en.planned("251")).waitFor();
  await expectForAll(page);
  await button(page, en.begin("251")).click();
  await progress(page).getByText(en.parts.waiting("100")).waitFor();
  await expectForAll(page);
  await progress(page).getByRole("button", { name: en.cancel }).click();
  await progress(page).getByText(en.parts.cancelled("151")).waitFor();
  back();
  await server.parts.flow.store.hurry("acme", Date.now());
  server.parts.wake("acme");
  const shown = () => progress(page).innerText();
  await expect.poll(shown, { timeout: 30_000 }).toContain(en.parts.logged("100"));
  await expect.poll(() => group(page).locator(".badge").innerText()).toBe("151 calls");
  expect([await deadCalls(), world.calls().length]).toEqual([151, 100]);
  expect(faults).toEqual([]);
}, 90_000);

test("the rest is retried with what dies meanwhile: the group empties, and each call has one activity", async () => {
  const { page, faults } = await openConsole(browser, server.url, "/failures");
  await button(page, en.retryAll("151")).click();
  await button(page, en.begin("151")).click();
  await expect
    .poll(() => progress(page).innerText(), { timeout: 60_000 })
    .toContain(en.progress("151", "151"));
  await page.waitForSelector(".empty");
  expect(await page.innerText(".empty")).toContain(en.none);
  await expect.poll(() => page.locator("nav .count").count()).toBe(0);
  expect(await deadCalls()).toBe(0);
  const keys = world.calls().map(({ key }) => key);
  expect([keys.length, new Set(keys).size]).toEqual([count + 1, count + 1]);
  expect(faults).toEqual([]);
}, 90_000);

test("an unused webhook is shown with the reason and its bytes", async () => {
  await send(server, "exotel", jsonRequest({ EventType: "moonwalk", CallSid: "odd" }));
  const { page, faults } = await openConsole(browser, server.url, "/failures?tab=unused");
  await page.waitForSelector("tbody tr");
  await expectForAll(page);
  await page.locator("tbody button").click();
  await page.waitForSelector("dialog code.block");
  expect(await page.innerText("dialog")).toContain("moonwalk");
  expect(faults).toEqual([]);
});
