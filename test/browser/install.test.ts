import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { providers } from "../../src/providers/index.ts";
import { openBrowser, type TestBrowser } from "../support/browser.ts";
import { inboundCall } from "../support/calls.ts";
import { type InstallSite, installSite } from "../support/install-site.ts";
import { waitFor } from "../support/server.ts";

let browser: TestBrowser;
beforeAll(async () => {
  browser = await openBrowser();
}, 180_000);
afterAll(() => browser.stop());

/** What our style sheet says, and a browser's own does not. */
const styled = ["1152px", "none"];
const styleOf = (page: Awaited<ReturnType<TestBrowser["open"]>>["page"]) =>
  page.evaluate<string[]>(
    "[getComputedStyle(document.body).maxWidth, getComputedStyle(document.querySelector('header')).borderTopStyle]",
  );

/** The whole call of Voys that the site's contact makes, sent to a URL that somebody copied. */
async function sendCall(url: string, id: string): Promise<number[]> {
  const script = providers["voys"]?.simulate.script(inboundCall("voys", { id, customer: "+31687654321" }));
  const statuses: number[] = [];
  for (const { method, headers, body } of script ?? [])
    statuses.push((await fetch(url, { method, headers, body: Buffer.from(body) })).status);
  return statuses;
}

async function openSite(): Promise<InstallSite> {
  const site = await installSite("hubspot", { webhooks: true });
  onTestFinished(() => site.stop());
  return site;
}

test("an administrator connects HubSpot by hand, and the webhook URLs at the end take calls", async () => {
  const site = await openSite();
  const { page, faults } = await browser.open(`${site.publicUrl}/install/hubspot`);
  expect(await page.textContent("h1")).toBe("Connect HubSpot");
  expect(await styleOf(page)).toEqual(styled);
  await page.getByLabel("Country").fill("nl");
  await page.getByRole("button", { name: "Go on to HubSpot" }).click();

  await page.waitForURL(`${site.world.emulator.url}/oauth/authorize?*`);
  await page.getByRole("button", { name: "Connect app" }).click();

  await page.waitForURL(`${site.publicUrl}/install/hubspot/callback?*`);
  expect(await page.textContent("h1")).toBe("HubSpot is connected");
  expect(await styleOf(page)).toEqual(styled);
  const name = await page.locator("p > code").innerText();
  const urls = await page.locator("td > code").allInnerTexts();
  for (const url of urls)
    expect(url).toMatch(new RegExp(`^${site.publicUrl}/webhooks/${name}/\\w+\\?key=[\\w-]{32}$`));
  expect(await page.context().cookies()).toEqual([]);
  const statuses = await sendCall(urls.find((url) => url.includes("/voys?")) ?? "", "by-hand");
  expect(new Set(statuses)).toEqual(new Set([200]));
  await waitFor("the call in HubSpot", () => site.world.calls().length === 1, 30);
  expect(faults).toEqual([]);

  await page.goto(`${site.publicUrl}/`);
  await page.waitForSelector("tbody tr");
  expect(await page.innerText("tbody tr")).toMatch(/Vera.*Logged/s);
  await page.click("a.row");
  const contact = page.getByRole("link", { name: "Vera" });
  expect(await contact.getAttribute("href")).toMatch(/\/contacts\/\d+\/record\/0-1\/\d+$/);
  await page.goto(`${site.publicUrl}/setup`);
  await page.waitForSelector(".checklist");
  expect(await page.locator("h2").allInnerTexts()).toContain(name);
  expect(faults).toEqual([]);
});

test("an administrator who does not agree is told so, and where to begin again", async () => {
  const site = await openSite();
  const { page } = await browser.open(`${site.publicUrl}/install/hubspot?region=NL`);
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.waitForURL(`${site.publicUrl}/install/hubspot/callback?*`);
  expect(await page.innerText("body")).toContain("Begin again at /install/hubspot");
  expect(await site.server.parts.flow.store.installs()).toEqual([]);
});
