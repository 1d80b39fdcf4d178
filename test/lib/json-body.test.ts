import { expect, test } from "vitest";
import type { Delivery } from "../../src/core/provider.ts";
import { jsonBody, parseBody, parsedOnce, textAt } from "../../src/lib/body.ts";

const list = (item: string, times: number) => `[${Array.from({ length: times }, () => item).join()}]`;
const names = (count: number) => Array.from({ length: count }, (_, i) => `"k${i}": ${i}`);

test("what a provider may send is parsed as JSON.parse does", () => {
  const words = list('{"word":"say \\\\\\"hi\\\\\\" [{:","start":1.2,"end":1.5}', 40_000);
  for (const text of [
    words,
    `${"[".repeat(100)}${"]".repeat(100)}`,
    `{${names(4_000)}}`,
    ' {"a" : "\\\\"} ',
    "1",
  ])
    expect(parseBody(text)).toEqual(JSON.parse(text));
});

test.each([
  ["levels of lists", `${"[".repeat(101)}${"]".repeat(101)}`, "is nested deeper than 100 levels"],
  ["millions of levels", "[".repeat(2_500_000), "is nested deeper than 100 levels"],
  ["levels of objects", `${'{"a":'.repeat(101)}1${"}".repeat(101)}`, "is nested deeper than 100 levels"],
  ["empty lists", list("[]", 300_000), "has more than 250000 lists and objects"],
  ["one name again and again", `{${'"a":1,'.repeat(400_001)}"a":1}`, "has more than 400000 members"],
  ["names in one object", `{${names(12_000)}}`, "has more than about 5000 different names"],
  [
    "names in many objects",
    `[${names(12_000).map((one) => `{${one}}`)}]`,
    "has more than about 5000 different names",
  ],
  [
    "short texts",
    `[${Array.from({ length: 160_000 }, (_, i) => `"${i.toString(36)}"`).join(",")}]`,
    "has more than 150000 texts",
  ],
  ["names before an open text", `{${names(12_000)},"x`, "has more than about 5000 different names"],
])("too many of them are refused before they are parsed: %s", (_, text, sentence) => {
  const refusal = { status: 400, message: `the body ${sentence}, which would take too long to read` };
  expect(() => parseBody(text)).toThrow(expect.objectContaining(refusal));
});

test.each(['{"a":"', '{"a":"\\"}', "{]", '"\\', "", "]]]]", '{"a"::1}'])("%j is no JSON", (text) => {
  expect(() => parseBody(text)).toThrow(
    expect.objectContaining({ status: 400, message: "the body is not JSON" }),
  );
});

test("a body is parsed once for read and decode in one turn, and then released", async () => {
  const delivery = { body: Buffer.from('{"a":1}') } as unknown as Delivery;
  const seen: unknown[] = [];
  const { read, decode } = parsedOnce(jsonBody, {
    read: (message) => ({ kind: String(seen.push(message)) }),
    decode: (message) => {
      seen.push(message);
      return [];
    },
  });
  read(delivery);
  decode(delivery);
  read({ ...delivery });
  expect(seen[1]).toBe(seen[0]);
  expect(seen[2]).not.toBe(seen[0]);
  read(delivery);
  await Promise.resolve();
  decode(delivery);
  expect(seen[4]).not.toBe(seen[3]);
});

test("a text is cut to what its reader asks for", () => {
  expect(textAt({ a: "x".repeat(20_000) }, "a")).toHaveLength(10_000);
  expect(textAt({ a: "x".repeat(20_000) }, "a", 15_000)).toHaveLength(15_000);
  expect(textAt({ a: ` ${"\ud83d\ude00".repeat(9_000)}` }, "a")?.isWellFormed()).toBe(true);
});
