import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { expect, test } from "vitest";
import { crmIn, readManifest } from "../../src/manifest.ts";
import { compileMapping } from "../../src/mapping/compile.ts";

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
