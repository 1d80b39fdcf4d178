import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openBrowser } from "../support/browser.ts";
import { startUpstream } from "../support/upstream.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "switchhook-"));
  vi.stubEnv("TMPDIR", folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** Processes whose command names the folder. */
function processesIn(folder: string): string[] {
  return readdirSync("/proc").filter((id) => {
    try {
      return /^\d+$/.test(id) && readFileSync(`/proc/${id}/cmdline`, "utf8").includes(folder);
    } catch {
      return false;
    }
  });
}

test("the browser of the tests leaves no process and no file behind", async () => {
  const browser = await openBrowser();
  expect(browser.version).toMatch(/^\d+\./);
  expect(processesIn(folder).length).toBeGreaterThan(0);
  expect(readdirSync(folder).length).toBeGreaterThan(0);
  await browser.stop();
  await expect.poll(() => processesIn(folder), { timeout: 20_000 }).toEqual([]);
  expect(readdirSync(folder)).toEqual([]);
});

test("a browser that does not start says why, and leaves nothing behind either", async () => {
  vi.stubEnv("CHROMIUM_PATH", join(folder, "no-such-chromium"));
  await expect(openBrowser()).rejects.toThrow(/no-such-chromium/);
  expect(readdirSync(folder)).toEqual([]);
});

test("the browser of the tests reaches nothing but loopback, and tells errors of a page", async () => {
  const browser = await openBrowser();
  const site = await startUpstream((request, response) => {
    const page = `<!doctype html><link rel="icon" href="data:,"><p>${request.headers.host}</p><script>throw new Error("of the page")</script>`;
    if (request.url === "/") response.setHeader("content-type", "text/html").end(page);
    else response.writeHead(404).end();
  });
  const { page, faults } = await browser.open(site.url);
  expect(await page.textContent("p")).toBe(`127.0.0.1:${site.port}`);
  expect(faults).toEqual(["Error: of the page"]);
  const fetched = (url: string) =>
    page.evaluate((address) => fetch(address, { mode: "no-cors" }).then(({ type }) => type, String), url);
  expect(await fetched(`http://localhost:${site.port}/lost`)).toBe("opaque");
  for (const url of ["http://192.0.2.1/", "http://[2001:db8::1]/", "https://example.com/"])
    expect(await fetched(url)).toMatch(/Failed to fetch/);
  expect(faults.slice(1).map((fault) => /net::\w+|404/.exec(fault)?.[0])).toEqual([
    "404",
    ...Array.from({ length: 3 }, () => "net::ERR_NAME_NOT_RESOLVED"),
  ]);
  await browser.stop();
  await site.stop();
});
