import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { crmIn, readManifest } from "../../src/manifest.ts";
import { compileMapping } from "../../src/mapping/compile.ts";
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

const root = resolve(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const fields = crmIn(readManifest(), "salesforce").package?.fields ?? [];

test.each(["docs/marketplace.md", "marketplace/hubspot/README.md", "marketplace/salesforce/README.md"])(
  "%s links to files that are there",
  (path) => {
    const links = [...read(path).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link = ""]) => link);
    for (const link of links) expect(existsSync(join(root, dirname(path), link)), link).toBe(true);
  },
);

test("docs/marketplace.md names only files of ours that are there", () => {
  const named = [...read("docs/marketplace.md").matchAll(/`((?:src|marketplace)\/[\w./-]+)`/g)];
  expect(named.length).toBeGreaterThan(3);
  for (const [, path = ""] of named) expect(existsSync(join(root, path)), path).toBe(true);
});

test("docs/crm.md maps every field of the Salesforce package but the key, which is written by itself", () => {
  const snippets = [...read("docs/crm.md").matchAll(/```json\n([\s\S]*?)```/g)].map(([, text = ""]) => text);
  const snippet = snippets.find((text) => text.includes("__c")) ?? "";
  const { activityFields } = compileMapping(
    { crm: "salesforce", activity: JSON.parse(`{${snippet}}`) },
    "docs/crm.md",
  );
  expect(activityFields).toEqual(fields.flatMap(({ name, key }) => (key ? [] : [name])));
});
