import { expect, test } from "vitest";
import { cutHtml, cutText } from "../../src/lib/cut.ts";

const link = '<p><a href="https://calls.example.com/transcripts/1-abc?x=1&amp;y=2">All that was said</a></p>';
const isWhole = (html: string) => {
  const open = [...html.matchAll(/<(\/?)(\w+)[^>]*>/g)].map(([, end, name]) => `${end}${name}`);
  expect(html.replace(/<[^<>]*>/g, "")).not.toMatch(/[<>]/);
  expect(html.replace(/&(#\d+|\w+);/g, "")).not.toContain("&");
  expect(open.filter((name) => name === "p")).toHaveLength(open.filter((name) => name === "/p").length);
  expect(open.filter((name) => name === "a")).toHaveLength(open.filter((name) => name === "/a").length);
};

test("what fits stays as it is", () => {
  expect(cutText("short", 5)).toBe("short");
  expect(cutHtml("<p>a &amp; b</p>", 16)).toBe("<p>a &amp; b</p>");
});

test.each([200, 201, 202, 203, 204, 205, 206, 207, 300])(
  "the longest paragraph of HTML gives way to %i characters, no tag, entity or link does",
  (most) => {
    const html = `<p>Summary</p><p>${"Tom &amp; Ann said &#39;no&#39;.<br />\n".repeat(50)}</p>${link}`;
    const cut = cutHtml(html, most);
    expect(cut.length).toBeLessThanOrEqual(most);
    expect(cut).toContain("<p>Summary</p>");
    expect(cut.endsWith(link)).toBe(true);
    expect(cut).toContain("…</p>");
    isWhole(cut);
  },
);

test("two long paragraphs both give way when one is not enough", () => {
  const html = `<p>${"a".repeat(500)}</p><p>${"b".repeat(400)}</p>${link}`;
  const cut = cutHtml(html, 300);
  expect(cut.length).toBeLessThanOrEqual(300);
  expect(cut.endsWith(link)).toBe(true);
  isWhole(cut);
});

test("the last paragraph of a plain text keeps its link", () => {
  const end = "\n\nAll that was said: https://calls.example.com/transcripts/1-abc";
  const cut = cutText(`Inbound call.\n\n${"word ".repeat(100)}${end}`, 200);
  expect(cut.length).toBeLessThanOrEqual(200);
  expect(cut.startsWith("Inbound call.\n\nword")).toBe(true);
  expect(cut.endsWith(`…${end}`)).toBe(true);
});

test.each([20, 25, 30, 40])("an address is left out as a whole (%i)", (most) => {
  const cut = cutText("Recording: https://calls.example.com/recordings/1-abc and more", most);
  expect(cut.length).toBeLessThanOrEqual(most);
  expect(cut).toBe("Recording: …");
});

test("a pair of surrogates is not cut in two", () => {
  expect(cutText("😀😀😀", 4)).toBe("😀…");
  expect(cutHtml("<p>😀😀😀</p>", 10)).toBe("<p>😀…</p>");
});

test("more tags than there is room for leave their text", () => {
  const cut = cutHtml("<b>x</b>".repeat(100), 50);
  expect(cut.length).toBeLessThanOrEqual(50);
  expect(cut).not.toContain("<");
});

test("a text with more paragraphs than anybody writes is cut as one", () => {
  expect(cutText("a\n\n".repeat(20_000), 10)).toBe("a\n\na\n\na\n\n…");
  const html = cutHtml("<p>a</p>".repeat(20_000), 20);
  expect(html).toBe(" a a a a a a a a a …");
});

test("a tag that is not closed is a text", () => {
  expect(cutHtml(`<p>${"<".repeat(50)}</p>`, 20)).toBe(`<p>${"<".repeat(12)}…</p>`);
});
