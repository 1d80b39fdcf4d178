import { readFileSync, writeFileSync } from "node:fs";
import { startHubspot } from "@switchhook/emulators/hubspot";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { mappingTexts } from "../../console/src/text/mapping.ts";
import { openBrowser, type TestBrowser } from "../support/browser.ts";
import { inboundCall, scriptOf, sendAll, settledActivities } from "../support/calls.ts";
import { adminToken, expectForAll, openConsole } from "../support/console.ts";
import { startServer, type TestServer } from "../support/server.ts";

const { en, nl } = mappingTexts;
const environment = { SWITCHHOOK_ADMIN_TOKEN: adminToken };

let server: TestServer;
let browser: TestBrowser;

beforeAll(async () => {
  browser = await openBrowser();
}, 120_000);
afterAll(() => browser.stop());
beforeEach(async () => {
  server = await startServer({ environment });
});
afterEach(() => server.stop());

type Page = Awaited<ReturnType<typeof openConsole>>["page"];

const path = "/mapping/acme";
const authorization = `Bearer ${adminToken}`;

async function logCalls(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1)
    await sendAll(server, "voys", scriptOf(server, "voys", inboundCall("voys", { id: `c${i}` })));
  await settledActivities(server, count);
}

async function openEditor(view: Parameters<typeof openConsole>[3] = {}) {
  const opened = await openConsole(browser, server.url, path, view);
  await opened.page.waitForSelector(".cm-content");
  return opened;
}

/** Replaces the value of a field in the editor's text, by keyboard. */
async function writeSubject(page: Page, value: string): Promise<void> {
  await page.locator(".cm-line", { hasText: '"subject"' }).first().click();
  await page.keyboard.press("Home");
  await page.keyboard.press("Shift+End");
  await page.keyboard.insertText(`    "subject": ${value},`);
}

function put(text: string): Promise<Response> {
  return fetch(`${server.url}/api/installations/acme/mapping`, {
    method: "PUT",
    headers: { "content-type": "application/json", authorization },
    body: text,
  });
}

async function mapping(): Promise<{ text: string; version: string }> {
  const response = await fetch(`${server.url}/api/installations/acme/mapping`, {
    headers: { authorization },
  });
  return (await response.json()) as { text: string; version: string };
}

/** A mapping that is refused is an answer to be expected here, which browsers call an error. */
const unexpected = (faults: readonly string[]) =>
  faults.filter((fault) => !/status of (409|422) /.test(fault));

const marked = (page: Page) => page.locator(".cm-lintRange-error").first();

test("typing the beginning of a path offers the paths, and a wrong one is red at that word with the right one", async () => {
  await logCalls(1);
  const { page, faults } = await openEditor();
  await writeSubject(page, '{ "from": "" }');
  for (let i = 0; i < 4; i += 1) await page.keyboard.press("ArrowLeft");
  await page.keyboard.type("call.dur", { delay: 30 });
  await page.waitForSelector(".cm-tooltip-autocomplete");
  const offered = await page.innerText(".cm-tooltip-autocomplete");
  for (const word of ["call.duration.ms", "call.duration.seconds", "call.duration.text"])
    expect(offered).toContain(word);
  await page.keyboard.type("ation.m");
  await page.waitForSelector(".cm-tooltip-autocomplete");
  await page.keyboard.press("Enter");
  await expect.poll(() => page.innerText(".cm-content")).toContain('{ "from": "call.duration.ms" }');
  await expect.poll(() => page.innerText(".previews")).toContain("61000");

  await writeSubject(page, '{ "from": "call.durration.ms" }');
  await marked(page).waitFor();
  expect(await marked(page).innerText()).toBe("call.durration.ms");
  const listed = await page.innerText(".faults");
  expect(listed).toContain("Did you mean call.duration.ms?");
  expect(await page.getByRole("button", { name: en.save, exact: true }).isDisabled()).toBe(true);
  await expectForAll(page);
  await page.getByRole("button", { name: en.write("call.duration.ms") }).click();
  await marked(page).waitFor({ state: "detached" });
  expect(await page.innerText(".cm-content")).toContain('{ "from": "call.duration.ms" }');
  expect(unexpected(faults)).toEqual([]);
});

test("another subject changes the preview soon, and the CRM only after it is saved, by keyboard alone", async () => {
  await logCalls(2);
  const before = server.crm().activities;
  const { page, faults } = await openEditor();
  await expect.poll(() => page.innerText("body")).toContain(en.changes(0, 2));
  await writeSubject(page, '{ "text": "Spoke with {{ contact.name }}" }');
  const start = Date.now();
  await page.locator(".previews td", { hasText: "Spoke with Asha Rao" }).first().waitFor();
  expect(Date.now() - start).toBeLessThan(1_500);
  expect(await page.innerText("body")).toContain(en.changes(2, 2));
  expect(server.crm().activities).toEqual(before);
  await page.keyboard.press("Control+s");
  await page.getByText(en.saved).waitFor();
  expect((await mapping()).text).toContain("Spoke with");
  await sendAll(server, "voys", scriptOf(server, "voys", inboundCall("voys", { id: "next" })));
  const activities = await settledActivities(server, 3);
  expect(activities.at(-1)).toMatchObject({ subject: "Spoke with Asha Rao" });

  await page.getByRole("button", { name: en.plan }).click();
  await page.getByText(en.planned("2", "3")).waitFor();
  await page.getByRole("button", { name: en.run }).click();
  await page.getByText(en.done("2", "3")).waitFor();
  const after = await settledActivities(server, 3);
  expect(after.map(({ subject }) => subject)).toEqual(Array(3).fill("Spoke with Asha Rao"));
  expect(unexpected(faults)).toEqual([]);
});

test("one call of my choice is shown with the fields that stay as they are", async () => {
  await logCalls(2);
  const { page, faults } = await openEditor();
  await page.getByLabel(en.searchCall).fill("acme:voys:c0");
  await page.keyboard.press("Enter");
  await page.locator("button.quiet", { hasText: "acme:voys:c0" }).click();
  await page.waitForSelector(".previews details[open]");
  expect(await page.innerText(".previews")).toContain("durationSeconds");
  expect(await page.locator(".previews article").count()).toBe(1);
  expect(unexpected(faults)).toEqual([]);
});

test("when another person saved meanwhile, both texts are shown and neither is lost", async () => {
  const { page, faults } = await openEditor();
  const { text } = await mapping();
  await writeSubject(page, '"mine"');
  const theirs = text.replace('"type": "call"', '"type": "their call"');
  expect((await put(theirs)).status).toBe(200);
  await page.keyboard.press("Control+s");
  await page.getByText(en.conflict).waitFor();
  const sides = page.locator(".compare .cm-content");
  await expect.poll(() => sides.count()).toBe(2);
  expect(await sides.nth(0).innerText()).toContain("their call");
  expect(await sides.nth(1).innerText()).toContain('"mine"');
  expect((await mapping()).text).toBe(theirs);
  await expectForAll(page);
  expect(unexpected(faults)).toEqual([]);
  await page.getByRole("button", { name: en.keepMine }).click();
  await page.getByText(en.saved).waitFor();
  expect((await mapping()).text).toContain('"subject": "mine"');
  expect((await mapping()).text).not.toContain("their call");
  await page.getByRole("button", { name: `${en.compare} ${en.version(2)}` }).click();
  await expect.poll(() => page.locator("dialog .cm-content").first().innerText()).toContain("their call");
});

test("what is not saved yet is still there after a look at another page", async () => {
  const { page, faults } = await openEditor();
  await writeSubject(page, '"half done"');
  await page.locator(".bar nav a", { hasText: "Setup" }).click();
  await page.waitForSelector(".checklist");
  await page.goBack();
  await expect.poll(() => page.innerText(".cm-content")).toContain('"half done"');
  await page.getByText(en.unsaved).waitFor();
  expect(unexpected(faults)).toEqual([]);
});

test("the first version is restored byte for byte", async () => {
  const { text } = await mapping();
  const { page, faults } = await openEditor();
  await writeSubject(page, '"other"');
  await page.getByLabel(en.comment).fill("only a test");
  await page.keyboard.press("Enter");
  await page.getByText(en.saved).waitFor();
  await page.getByText("only a test").waitFor();
  await page.getByRole("button", { name: `${en.restore} ${en.version(1)}` }).click();
  await page.getByText(en.restored(1)).waitFor();
  const file = `${server.folder}/data/mappings/acme.json`;
  expect(readFileSync(file, "utf8")).toBe(text);
  expect(await page.innerText(".cm-content")).not.toContain('"other"');
  expect(unexpected(faults)).toEqual([]);
});

test("a link to a place in the file opens it with the cursor there", async () => {
  const { page, faults } = await openConsole(browser, server.url, "/setup");
  await page.goto(`${server.url}${path}#task.fields.status`);
  await page.waitForSelector(".cm-content");
  const line = "getSelection()?.anchorNode?.parentElement?.closest('.cm-line')?.textContent";
  await expect.poll(() => page.evaluate<string>(line)).toContain('"status": "open"');
  expect(unexpected(faults)).toEqual([]);
});

test("fields and options of the CRM are offered, and what it does not take is a warning", async () => {
  const hubspot = await startHubspot({ region: "NL", limits: false });
  await server.restartWith({
    environment,
    settings: { crm: { type: "hubspot", token: hubspot.token, apiUrl: hubspot.url } },
  });
  const { page, faults } = await openEditor();
  await page.locator(".cm-line", { hasText: '"hs_call_title"' }).first().click();
  await page.keyboard.press("End");
  await page.keyboard.insertText('\n    "": "x",');
  for (let i = 0; i < 7; i += 1) await page.keyboard.press("ArrowLeft");
  await page.keyboard.type("hs_call_call", { delay: 30 });
  await page.waitForSelector(".cm-tooltip-autocomplete");
  expect(await page.innerText(".cm-tooltip-autocomplete")).toContain("hs_call_callee_object_id");
  await page.keyboard.type("ee_object_i");
  await page.locator(".cm-lintRange-warning", { hasText: "hs_call_callee_object_i" }).waitFor();
  await expect.poll(() => page.innerText(".faults")).toContain("Did you mean hs_call_callee_object_id?");
  expect(unexpected(faults)).toEqual([]);
  await hubspot.stop();
});

const views = [
  { width: 1280, scheme: "light", language: "en" },
  { width: 1280, scheme: "dark", language: "nl" },
  { width: 390, scheme: "light", language: "nl" },
  { width: 390, scheme: "dark", language: "en" },
] as const;

test("the page is for all, in each width, theme and language", async () => {
  await logCalls(2);
  await put((await mapping()).text.replace('"type": "call"', '"type": "phone call"'));
  for (const view of views) {
    const { page, faults } = await openEditor(view);
    await writeSubject(page, '{ "text": "{{ contact.name }}" }');
    await page.waitForSelector(".previews article");
    await expectForAll(page);
    const shown = await page.innerText("body");
    expect(shown).toContain((view.language === "nl" ? nl : en).previewAbout);
    const pictures = process.env["MAPPING_PICTURES"];
    if (pictures)
      writeFileSync(
        `${pictures}/${view.width}-${view.scheme}.png`,
        await page.screenshot({ fullPage: true }),
      );
    expect(unexpected(faults)).toEqual([]);
  }
});

test("a viewer reads the text and its versions, and can change nothing", async () => {
  await put((await mapping()).text.replace('"type": "call"', '"type": "phone call"'));
  const made = await fetch(`${server.url}/api/links`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization },
    body: JSON.stringify({ installation: "acme", role: "viewer", name: "Noor" }),
  });
  const { url } = (await made.json()) as { url: string };
  const { page, faults } = await browser.open(server.url + new URL(url).pathname + new URL(url).search);
  await page.locator("button").first().click();
  await page.goto(server.url + path);
  await page.waitForSelector(".cm-content");
  expect(await page.innerText(".cm-content")).toContain("phone call");
  expect(await page.innerText("main")).toContain(en.readOnly);
  await page.getByText(en.version(2)).first().waitFor();
  expect(await page.getByRole("button", { name: en.save, exact: true }).count()).toBe(0);
  expect(await page.getByRole("button", { name: `${en.restore} ${en.version(1)}` }).isDisabled()).toBe(true);
  await expectForAll(page);
  expect(unexpected(faults)).toEqual([]);
});
