import { afterAll, beforeAll, expect, test } from "vitest";
import { en } from "../../console/src/text/en.ts";
import { openBrowser, type TestBrowser } from "../support/browser.ts";
import { inboundCall, scriptOf, send } from "../support/calls.ts";
import { adminToken, expectForAll, openConsole } from "../support/console.ts";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
let browser: TestBrowser;
beforeAll(async () => {
  server = await startServer({ environment: { SWITCHHOOK_ADMIN_TOKEN: adminToken } });
  browser = await openBrowser();
}, 180_000);
afterAll(async () => {
  await browser.stop();
  await server.stop();
});

test("a call goes from ringing to talking to logged without a reload, and stays as it is while the board is paused", async () => {
  const { page, faults } = await openConsole(browser, server.url, "/live");
  await page.getByText(en.live.none).waitFor();
  const now = Date.now();
  const call = inboundCall("voys", { id: "now", startedAt: new Date(now - 4_000).toISOString() });
  const script = scriptOf(server, "voys", call);
  const going = page.locator(".going > li");
  const step = async (request: (typeof script)[number] | undefined) => {
    if (request) await send(server, "voys", request);
  };
  await step(script[0]);
  await step(script[1]);
  await expect.poll(() => going.count(), { timeout: 5_000 }).toBe(1);
  expect(await going.innerText()).toContain(en.phases["ringing"]);
  expect(await going.innerText()).toContain("Asha Rao");
  await expectForAll(page);
  await step(script[2]);
  await expect.poll(() => going.innerText(), { timeout: 5_000 }).toContain(en.phases["answered"]);
  await page.getByRole("button", { name: en.live.pause }).click();
  for (const request of script.slice(3)) await step(request);
  await page.waitForTimeout(1_500);
  expect(await going.count()).toBe(1);
  await page.getByRole("button", { name: en.live.go }).click();
  await expect.poll(() => going.count(), { timeout: 5_000 }).toBe(0);
  await expect.poll(() => page.innerText("tbody"), { timeout: 10_000 }).toContain(en.states.logged);
  expect(faults).toEqual([]);
});
