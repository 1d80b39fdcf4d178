import { createHash } from "node:crypto";
import { beforeEach, expect, test } from "vitest";
import { type Consents, createConsents } from "../../src/installations/consents.ts";

let now: number;
let consents: Consents;
beforeEach(() => {
  now = 1_000;
  consents = createConsents(() => now);
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

test("a state is good once", () => {
  const { state, browser } = consents.begin(asked);
  consents.finish("hubspot", state, browser);
  expect(() => consents.finish("hubspot", state, browser)).toThrow(/used already/);
});

test("a state is good in the browser that began only, and spent by whoever tried", () => {
  const { state, browser } = consents.begin(asked);
  expect(() => consents.finish("hubspot", state, "another")).toThrow(/another browser/);
  expect(() => consents.finish("hubspot", state, browser)).toThrow(/used already/);
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

test("nobody can fill the memory with consents that never come back", () => {
  const first = consents.begin(asked);
  for (let i = 0; i < 1_500; i += 1) consents.begin(asked);
  expect(() => consents.finish("hubspot", first.state, first.browser)).toThrow(/used already/);
  const last = consents.begin(asked);
  expect(consents.finish("hubspot", last.state, last.browser)).toMatchObject(asked);
});
