import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "playwright-core";
import { expect } from "vitest";
import type { TestBrowser } from "./browser.ts";

export const adminToken = "the-token-of-the-console";

/** How a person looks at a page. */
type View = { width?: number; scheme?: "light" | "dark"; language?: "en" | "nl" };

/** Opens a page of the console as a person who signs in with the admin token. */
export async function openConsole(browser: TestBrowser, url: string, path: string, view: View = {}) {
  const { width = 1280, scheme = "light", language = "en" } = view;
  const { page, faults } = await browser.open("about:blank");
  await page.setViewportSize({ width, height: 900 });
  await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
  await page.setExtraHTTPHeaders({ "accept-language": language });
  await page.addInitScript(`localStorage.setItem("switchhook.language", "${language}")`);
  await page.goto(url + path);
  await page.fill('input[type="password"]', adminToken);
  await page.keyboard.press("Enter");
  await page.waitForSelector("main h1");
  return { page, faults };
}

/** What a page must be for everybody: no rule of accessibility is broken, and nothing is wider than the screen. */
export async function expectForAll(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page })
    .withTags(["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"])
    .analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`)).toEqual([]);
  const overhang = await page.evaluate<number>("document.documentElement.scrollWidth - window.innerWidth");
  expect(overhang).toBeLessThanOrEqual(0);
}
