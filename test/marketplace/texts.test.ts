import fc from "fast-check";
import { expect, test } from "vitest";
import { jsonText, metadataXml } from "../../src/marketplace/project.ts";
import { parseMetadata, texts } from "./metadata.ts";

test("JSON comes back as it was, on lines that a screen holds", () => {
  const value = fc.letrec((again) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.string({ maxLength: 40 }),
      fc.integer(),
      fc.boolean(),
      fc.array(again("value"), { maxLength: 5 }),
      fc.dictionary(fc.stringMatching(/^\w{1,12}$/), again("value"), { maxKeys: 5 }),
    ),
  })).value;
  fc.assert(
    fc.property(value as fc.Arbitrary<string | string[]>, (one) => {
      const text = jsonText(one);
      expect(JSON.parse(text)).toEqual(one);
      expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(130);
    }),
  );
});

test("JSON leaves out what is not known", () => {
  expect(jsonText({ phone: undefined, email: "a@b.example" })).toBe('{ "email": "a@b.example" }\n');
});

test("XML comes back as it was, whatever the text has in it", async () => {
  const told = `<b>"Tom" & 'Jerry'</b> ]]> 5 > 3`;
  const text = metadataXml("CustomField", { label: told, more: [{ of: 1 }, { of: true }], none: undefined });
  const { type, holds } = await parseMetadata(text);
  expect(type).toBe("CustomField");
  expect(texts(holds, "label")).toEqual([told]);
  expect(holds["more"]).toEqual([{ of: ["1"] }, { of: ["true"] }]);
  expect(holds["none"]).toBeUndefined();
});
