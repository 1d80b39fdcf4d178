import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { en } from "../../console/src/text/en.ts";
import { nl } from "../../console/src/text/nl.ts";
import { openBrowser, type TestBrowser } from "../support/browser.ts";
import { inboundCall, scriptOf, sendAll } from "../support/calls.ts";
import { adminToken, expectForAll, openConsole } from "../support/console.ts";
import { startProxy } from "../support/proxy.ts";
import { startServer, type TestServer, waitFor } from "../support/server.ts";

let server: TestServer;
let browser: TestBrowser;

beforeAll(async () => {
  server = await startServer({ environment: { SWITCHHOOK_ADMIN_TOKEN: adminToken } });
  const calls = [
    inboundCall("voys", { id: "hers" }),
    inboundCall("bird", { id: "his", customer: "+31501234567" }),
    inboundCall("exotel", { id: "stranger", customer: "+31612340000" }),
  ];
  for (const [i, provider] of (["voys", "bird", "exotel"] as const).entries()) {
    await sendAll(server, provider, scriptOf(server, provider, calls[i] ?? inboundCall(provider)));
    await logged(server, i + 1);
  }
  browser = await openBrowser();
}, 180_000);
afterAll(async () => {
  await browser.stop();
  await server.stop();
});

function logged({ parts }: TestServer, calls: number) {
  return waitFor(`${calls} calls to be logged`, async () => {
    const found = await parts.flow.store.calls({ state: "logged", limit: calls });
    return found.length === calls ? found : undefined;
  });
}

const views = [
  { width: 1280, scheme: "light", language: "en" },
  { width: 1280, scheme: "dark", language: "nl" },
  { width: 390, scheme: "light", language: "nl" },
  { width: 390, scheme: "dark", language: "en" },
] as const;
const pages = ["/calls", "/live", "/calls/acme%3Avoys%3Ahers", "/setup"];

test.each(views)("every page is for all: %j", async (view) => {
  const { page, faults } = await openConsole(browser, server.url, "/calls", view);
  for (const path of pages) {
    await page.goto(server.url + path);
    await page.waitForSelector("main h1");
    await page.waitForSelector(".loading", { state: "detached" });
    await expectForAll(page);
    const other = view.language === "nl" ? englishIn(await page.innerText("body")) : [];
    expect(other).toEqual([]);
  }
  expect(faults).toEqual([]);
});

/** Texts of the English dictionary that a Dutch page shows. */
function englishIn(shown: string): string[] {
  const texts = (dictionary: object): string[] =>
    Object.values(dictionary).flatMap((value) =>
      typeof value === "string" ? [value] : typeof value === "object" ? texts(value as object) : [],
    );
  const dutch = new Set(texts(nl));
  return texts(en).filter((text) => text.length > 8 && !dutch.has(text) && shown.includes(text));
}

test("a call is found by its number, opened with the keyboard alone, and its webhook shown without secrets", async () => {
  const { page, faults } = await openConsole(browser, server.url, "/calls");
  expect(await page.locator("tbody tr").count()).toBe(3);
  await page.keyboard.press("/");
  await page.keyboard.type("+91 98765 43210");
  await page.keyboard.press("Enter");
  await expect.poll(() => page.locator("tbody tr").count()).toBe(1);
  expect(new URL(page.url()).searchParams.get("q")).toBe("+91 98765 43210");
  await page.locator("h1").click();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".story");
  expect(await page.innerText("h1")).toBe("Call from Asha Rao");
  expect(await page.innerText(".status")).toContain("The CRM has this call.");
  await page.getByRole("button", { name: en.call.showRaw }).first().click();
  await page.waitForSelector("dialog code.block");
  const raw = await page.innerText("dialog");
  expect(raw).toContain("hers");
  expect(raw).not.toContain("voys-secret");
  await expectForAll(page);
  await page.keyboard.press("Escape");
  await page.waitForSelector("dialog", { state: "detached" });
  expect(faults).toEqual([]);
});

test("a filter is in the address, and another browser with the address has the same list", async () => {
  const { page } = await openConsole(browser, server.url, "/calls?matched=no");
  await page.waitForSelector("tbody tr");
  expect(await page.innerText("tbody")).toContain("+31612340000");
  expect(await page.locator("tbody tr").count()).toBe(1);
  await page.getByLabel(en.calls.outcome).selectOption("busy");
  await page.waitForSelector(".empty");
  expect(await page.innerText(".empty")).toContain(en.calls.noneFoundNext);
  await page.getByRole("button", { name: en.calls.clear }).click();
  await expect.poll(() => page.locator("tbody tr").count()).toBe(3);
});

test("a call that comes in while the list is open is there without a reload, and its page follows it", async () => {
  const { page, faults } = await openConsole(browser, server.url, "/calls");
  await page.waitForSelector("tbody tr");
  await sendAll(server, "voys", scriptOf(server, "voys", inboundCall("voys", { id: "later" })));
  await page.waitForSelector('a[href$="acme%3Avoys%3Alater"]');
  await page.click('a[href$="acme%3Avoys%3Alater"]');
  await page.waitForSelector(".story .step");
  await page.getByRole("button", { name: en.call.retry }).click();
  await expect.poll(() => page.locator(".story .step").count()).toBeGreaterThan(1);
  expect(faults).toEqual([]);
});

test("behind a proxy that adds a part to all paths, every page works as without it", async () => {
  const proxy = await startProxy((): string => server.url, { strip: "/phone" });
  onTestFinished(() => proxy.stop());
  const { page, faults } = await openConsole(browser, `${proxy.url}/phone`, "/calls/acme%3Avoys%3Ahers");
  expect(await page.innerText("h1")).toBe("Call from Asha Rao");
  await page.getByRole("link", { name: en.nav.setup }).click();
  await page.waitForSelector(".card");
  expect(new URL(page.url()).pathname).toBe("/phone/setup");
  await page.reload();
  await page.waitForSelector(".card");
  await page.getByRole("link", { name: en.nav.calls, exact: true }).click();
  await page.waitForSelector("tbody tr");
  expect(faults).toEqual([]);
});

test("a server that is away is said to be, and what was shown stays; when it is back, it is right again", async () => {
  const away = await startServer({ environment: { SWITCHHOOK_ADMIN_TOKEN: adminToken } });
  const proxy = await startProxy((): string => away.url);
  onTestFinished(async () => {
    await proxy.stop();
    await away.stop();
  });
  await sendAll(away, "voys", scriptOf(away, "voys", inboundCall("voys", { id: "first" })));
  await logged(away, 1);
  const { page } = await openConsole(browser, proxy.url, "/calls");
  await page.waitForSelector("tbody tr");
  await away.restart(async () => {
    await page.waitForSelector(".away");
    expect(await page.locator("tbody tr").count()).toBe(1);
  });
  await sendAll(away, "voys", scriptOf(away, "voys", inboundCall("voys", { id: "second" })));
  await page.waitForSelector(".away", { state: "detached" });
  await expect.poll(() => page.locator("tbody tr").count()).toBe(2);
});

test("setup: an address is copied, a test is understood, and a refused webhook turns amber and back", async () => {
  const shop = await startServer({ environment: { SWITCHHOOK_ADMIN_TOKEN: adminToken } });
  onTestFinished(() => shop.stop());
  const { page, faults } = await openConsole(browser, shop.url, "/setup");
  const voys = page.locator(".checklist > li", { hasText: en.setup.webhooksOf("Voys") });
  await voys.waitFor();
  expect(await voys.innerText()).toContain("/webhooks/acme/voys?key=voys-secret");
  await voys.getByRole("button", { name: en.setup.test }).click();
  // The public address of this server leads to no server of ours.
  await voys.locator(".warning").waitFor();
  await fetch(`${shop.url}/webhooks/acme/voys?key=wrong-one`, { method: "POST", body: "{}" });
  await voys.getByText(en.setup.cures[401] ?? "").waitFor();
  expect(await voys.getAttribute("class")).toBe("problem");
  await expectForAll(page);
  await sendAll(shop, "voys", scriptOf(shop, "voys", inboundCall("voys", { id: "real" })));
  await expect.poll(() => voys.getAttribute("class"), { timeout: 15_000 }).toBe("done");
  await page.reload();
  await expect.poll(() => voys.getAttribute("class")).toBe("done");
  expect(faults).toEqual([]);
});

test("whatever a caller or a CRM calls itself is text", async () => {
  const name = `<script>alert(1)</script>"'&`;
  const odd = await startServer({
    environment: { SWITCHHOOK_ADMIN_TOKEN: adminToken },
    contacts: [{ id: "1", name, phones: ["+919876543210"] }],
  });
  onTestFinished(() => odd.stop());
  await sendAll(odd, "voys", scriptOf(odd, "voys", inboundCall("voys", { id: "<img src=x>" })));
  await logged(odd, 1);
  const { page, faults } = await openConsole(browser, odd.url, "/");
  expect(await page.innerText("tbody")).toContain(name);
  await page.click("a.row");
  await page.waitForSelector(".story");
  expect(await page.innerText("h1")).toContain(name);
  expect(await page.locator("main img, main script").count()).toBe(0);
  expect(faults).toEqual([]);
});
