import { expect, test } from "vitest";
import { createSealer, SealError } from "../../src/lib/seal.ts";

const old = "an old key that is long enough to be one";
const young = "a new key that is long enough to be one.";

test("opens what it has sealed, and what nobody could read meanwhile", () => {
  const sealer = createSealer([young]);
  const sealed = sealer.seal("refresh-token ☎", "acme");
  expect(sealed).toMatch(/^s1\.[0-9a-f]{8}\.[\w-]+$/);
  expect(sealed).not.toContain("refresh");
  expect(sealer.open(sealed, "acme")).toBe("refresh-token ☎");
});

test("seals the same text differently each time", () => {
  const sealer = createSealer([young]);
  const sealed = Array.from({ length: 100 }, () => sealer.seal("same", "acme"));
  expect(new Set(sealed).size).toBe(100);
});

test("opens nothing for somebody else, with another key, or after any change", () => {
  const sealer = createSealer([young]);
  const sealed = sealer.seal("secret", "acme");
  expect(() => sealer.open(sealed, "other")).toThrow(SealError);
  expect(() => createSealer([old]).open(sealed, "acme")).toThrow(/another key/);
  const [version, id, text = ""] = sealed.split(".");
  for (let i = 0; i < text.length; i += 3) {
    const letter = text[i] === "A" ? "B" : "A";
    const changed = `${version}.${id}.${text.slice(0, i)}${letter}${text.slice(i + 1)}`;
    expect(() => sealer.open(changed, "acme"), `letter ${i}`).toThrow(SealError);
  }
  for (const broken of [
    "",
    "plain text",
    `s2.${id}.${text}`,
    `${version}.${id}.`,
    `${version}.${id}.${text.slice(0, 20)}`,
  ])
    expect(() => sealer.open(broken, "acme"), broken).toThrow(SealError);
});

test("opens with an older key, and tells what is to be sealed anew", () => {
  const sealed = createSealer([old]).seal("secret", "acme");
  const both = createSealer([young, old]);
  expect(both.open(sealed, "acme")).toBe("secret");
  expect(both.isCurrent(sealed)).toBe(false);
  expect(both.isCurrent(both.seal("secret", "acme"))).toBe(true);
});

test("needs a key", () => {
  expect(() => createSealer([])).toThrow(SealError);
});
