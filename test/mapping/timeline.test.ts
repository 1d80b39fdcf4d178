import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseMapping } from "../../src/mapping/compile.ts";
import type { View } from "../../src/mapping/view.ts";
import { kinds } from "./kinds.ts";

const titles = { local: "subject", hubspot: "hs_call_title", salesforce: "Subject" };
const bodies = { local: "notes", hubspot: "hs_call_body", salesforce: "Description" };

function load(crm: string) {
  const file = new URL(`../../mappings/${crm}.json`, import.meta.url);
  return parseMapping(readFileSync(file, "utf8"), `mappings/${crm}.json`);
}

describe.each(["hubspot", "salesforce", "local"] as const)("what a rep reads in %s", (crm) => {
  const mapping = load(crm);
  const written = ({ view }: { view: View }) => mapping.activity(view).fields;

  test.each(Object.entries(kinds))("has the right title: %s", (_, kind) => {
    expect(written(kind)[titles[crm]]).toBe(kind.title);
  });

  /** `vitest -u` writes the file; read the difference before it is committed. */
  test("is as in the file of all kinds of calls", async () => {
    const page = Object.entries(kinds).map(([name, kind]) => {
      const { [titles[crm]]: title, [bodies[crm]]: body = "", ...fields } = written(kind);
      const lines = Object.entries(fields).map(([field, value]) => `    ${field}: ${shown(value)}`);
      const task = Object.entries(mapping.task(kind.view) ?? {}).map(
        ([k, value]) => `    ${k}: ${shown(value)}`,
      );
      const followUp = task.length > 0 ? `\n\nFollow-up:\n\n${task.join("\n")}` : "";
      const text = String(body).replace(/^/gm, "    ");
      return `## ${name}\n\n**${title}**\n\n${text}\n\n${lines.join("\n")}${followUp}\n`;
    });
    await expect(`${page.join("\n")}`).toMatchFileSnapshot(`timeline/${crm}.md`);
  });

  test("says nothing that is not known, and no duration twice", () => {
    for (const kind of Object.values(kinds)) {
      const text = `${written(kind)[titles[crm]]} ${written(kind)[bodies[crm]] ?? ""}`;
      expect(text).not.toMatch(/Unknown caller|Mood: Unknown|undefined|3 min 5 s|\b0 s|talked for/);
    }
  });
});

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
}
