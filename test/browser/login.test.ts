import { AxeBuilder } from "@axe-core/playwright";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { token } from "../access/browsers.ts";
import { openBrowser, type TestBrowser } from "../support/browser.ts";
import { startServer } from "../support/server.ts";

let browser: TestBrowser;
beforeAll(async () => {
  browser = await openBrowser();
}, 180_000);
afterAll(() => browser.stop());

async function open(path: string) {
  const server = await startServer({ environment: { SWITCHHOOK_ADMIN_TOKEN: token } });
  onTestFinished(() => server.stop());
  return { server, ...(await browser.open(`${server.url}${path}`)) };
}

test("an operator signs in with the keyboard alone, is where they wanted to be, and signs out", async () => {
  const { page, faults, server } = await open("/api/dead");
  expect(page.url()).toBe(`${server.url}/login?next=%2Fapi%2Fdead`);
  await page.keyboard.type("not the token");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").waitFor();
  expect(await page.getByRole("alert").innerText()).toContain("This is not the admin token");
  await page.keyboard.type(token);
  await page.keyboard.press("Enter");
  await page.waitForURL(`${server.url}/api/dead`);
  expect(await page.innerText("body")).toContain('"items"');
  const [cookie] = await page.context().cookies();
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Lax", path: "/" });
  // The refused sign-in is an error of the network to the browser; nothing else is.
  expect(faults.filter((fault) => !fault.includes("401"))).toEqual([]);
});

test("the pages have no fault that axe finds, in both themes and both widths", async () => {
  const { page, faults, server } = await open("/login");
  for (const colorScheme of ["light", "dark"] as const)
    for (const width of [1280, 390]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 800 });
      for (const path of ["/login?out=1", "/login/link?token=old"]) {
        await page.goto(`${server.url}${path}`);
        const { violations } = await new AxeBuilder({ page }).analyze();
        expect(
          violations.map(({ id }) => id),
          `${path} ${colorScheme} ${width}`,
        ).toEqual([]);
        const wide = await page.evaluate<boolean>("document.documentElement.scrollWidth > innerWidth");
        expect(wide, `${path} ${width}`).toBe(false);
      }
    }
  expect(faults.filter((fault) => !fault.includes("410"))).toEqual([]);
});
