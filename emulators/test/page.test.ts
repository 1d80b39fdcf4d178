import { expect, test } from "vitest";
import type { PageEntry } from "../contract.ts";
import { renderPage } from "../page.ts";
import { toldTime } from "../salesforce/page.ts";

const call = (at: number, more: Partial<PageEntry> = {}): PageEntry => ({
  at,
  kind: "call",
  title: `Call ${at}`,
  ...more,
});

const withLink = (href: string) =>
  renderPage({
    title: "",
    contacts: [{ name: "A", timeline: [call(1, { link: { href, label: "Recording" } })] }],
  });

const places = (html: string, ...texts: string[]) => texts.map((text) => html.indexOf(text));

test("shows contacts by their newest activity, each with its newest call first", () => {
  const html = renderPage({
    title: "CRM",
    contacts: [
      { name: "Quiet", timeline: [] },
      { name: "Earlier", timeline: [call(1), call(3)] },
      { name: "Later", timeline: [call(2), call(4)] },
    ],
  });
  const order = places(html, "Later", "Call 4", "Call 2", "Earlier", "Call 3", "Call 1");
  expect(order).toEqual([...order].sort((a, b) => a - b));
  expect(order.every((place) => place > 0)).toBe(true);
  expect(html).not.toContain("Quiet");
});

test("escapes everything that came from outside", () => {
  const evil = `<script>alert("x")</script>'&`;
  const html = renderPage({
    title: evil,
    contacts: [
      {
        name: evil,
        detail: evil,
        timeline: [
          call(1, {
            title: evil,
            owner: evil,
            facts: [evil],
            text: evil,
            link: { href: `https://x/"${evil}.mp3`, label: evil },
          }),
        ],
      },
    ],
  });
  expect(html).not.toContain("<script");
  expect(html.split("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&#39;&amp;")).toHaveLength(13);
});

test("links only to web addresses", () => {
  expect(withLink("https://x.test/a.mp3")).toContain('href="https://x.test/a.mp3"');
  expect(withLink("javascript:alert(1)")).not.toContain("Recording");
});

test("plays recordings, and asks for none before somebody presses play", () => {
  for (const href of ["https://x.test/a.mp3", "http://127.0.0.1:1/a.WAV?t=1"]) {
    expect(withLink(href)).toContain(`<audio controls preload="none" aria-label="Recording" src="${href}">`);
    expect(withLink(href)).toContain(`href="${href}"`);
  }
  for (const href of ["https://x.test/a.mp3.html", "https://x.test/?a=b.mp3", "javascript:alert(1).mp3"])
    expect(withLink(href)).not.toContain("<audio");
});

test("shows the newest hundred contacts and says so, and activities that belong to nobody", () => {
  const contacts = Array.from({ length: 130 }, (_, at) => ({ name: `Contact-${at}.`, timeline: [call(at)] }));
  const html = renderPage({ title: "CRM", contacts, loose: [call(1, { title: "Lost call" })] });
  expect(html).toContain("The newest 100 of 130 contacts");
  expect(html).toContain("Contact-129.");
  expect(html).not.toContain("Contact-29.");
  expect(html.indexOf("Lost call")).toBeGreaterThan(html.indexOf("Without a contact"));
});

test("the transcript's link in a text can be followed", () => {
  const text = 'Whole transcript: https://x.test/t/1?a=1&b="2';
  const html = renderPage({ title: "", contacts: [{ name: "A", timeline: [call(1, { text })] }] });
  expect(html).toContain('<a rel="noreferrer" href="https://x.test/t/1?a=1&amp;b=">');
});

test("Salesforce's page has a call at its own time, not at that of its record", () => {
  expect(toldTime("Missed call, 2026-11-20 at 21:27 (Asia/Kolkata)\nFrom …")).toBe(
    Date.parse("2026-11-20T15:57:00Z"),
  );
  expect(toldTime("Called on Friday")).toBeUndefined();
});
