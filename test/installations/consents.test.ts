import { createHash } from "node:crypto";
import { beforeEach, expect, test } from "vitest";
import { type Consents, createConsents } from "../../src/installations/installer.ts";
import { createSealer } from "../../src/lib/seal.ts";

const key = "a-sealing-key-of-the-tests-1234567";
let now: number;
let consents: Consents;
beforeEach(() => {
  now = 1_000;
  consents = createConsents(() => now, createSealer([key]));
});

const asked = { crm: "hubspot", region: "NL" };

test("a consent comes back with what it was begun with, and a verifier that fits its challenge", () => {
  const { state, browser, challenge } = consents.begin({ ...asked, where: "sandbox" });
  const { verifier, ...rest } = consents.finish("hubspot", state, browser);
  expect(rest).toEqual({ ...asked, where: "sandbox" });
  expect(verifier).toMatch(/^[\w-]{43,128}$/);
  expect(createHash("sha256").update(verifier).digest("base64url")).toBe(challenge);
});

test("every consent has a state, a browser and a verifier of its own", () => {
  const all = Array.from({ length: 50 }, () => consents.begin(asked));
  for (const name of ["state", "browser", "challenge"] as const)
    expect(new Set(all.map((one) => one[name])).size).toBe(50);
});

test("what the browser keeps shows nothing, fits into a cookie, and cannot be changed", () => {
  const { state, browser } = consents.begin({ ...asked, where: "w".repeat(200) });
  expect(browser).toMatch(/^[\w.-]{1,1000}$/);
  expect(Buffer.from(browser, "base64url").toString("latin1")).not.toContain("hubspot");
  for (const other of [`${browser}A`, browser.slice(0, -4), browser.replace(/.$/, "~"), "", "x", "s1.a.b"])
    expect(() => consents.finish("hubspot", state, other), other).toThrow(/another browser/);
  const stranger = createConsents(() => now, createSealer(["another-key-of-the-tests-123456789"]));
  expect(() => stranger.finish("hubspot", state, browser)).toThrow(/another browser/);
});

test("a state is good in the browser that began only, and whoever else tried spends nothing", () => {
  const { state, browser } = consents.begin(asked);
  const other = consents.begin(asked);
  expect(() => consents.finish("hubspot", state, other.browser)).toThrow(/another browser/);
  expect(() => consents.finish("hubspot", other.state, browser)).toThrow(/another browser/);
  expect(consents.finish("hubspot", state, browser)).toMatchObject(asked);
});

test("a state is good for ten minutes, and for its own CRM", () => {
  const late = consents.begin(asked);
  now += 600_000;
  expect(() => consents.finish("hubspot", late.state, late.browser)).toThrow(/ten minutes/);
  const other = consents.begin(asked);
  expect(() => consents.finish("salesforce", other.state, other.browser)).toThrow(
    /Begin again at \/install\/salesforce/,
  );
});

test("strangers push no consent out, and a restart or a new key ends none", () => {
  const first = consents.begin(asked);
  for (let i = 0; i < 1_500; i += 1) consents.begin(asked);
  expect(consents.finish("hubspot", first.state, first.browser)).toMatchObject(asked);
  const restarted = createConsents(() => now, createSealer(["a-new-key-of-the-tests-1234567890", key]));
  expect(restarted.finish("hubspot", first.state, first.browser)).toMatchObject(asked);
});
