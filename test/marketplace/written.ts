import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, onTestFinished } from "vitest";
import { cli } from "../cli/support.ts";

/** The address that a freshly written project names. */
const publicUrl = "https://calls.acme.com";

/** A folder that is gone after the file's tests. */
export function folderOfThisFile(): string {
  const folder = mkdtempSync(join(tmpdir(), "switchhook-marketplace-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes a CRM's project with the command, as somebody does who uploads it. */
export async function writeProject(folder: string, crm: "hubspot" | "salesforce"): Promise<string> {
  const { code, stderr } = await cli(folder, ["package", crm, "--url", publicUrl]);
  expect([code, stderr]).toEqual([0, ""]);
  return join(folder, "marketplace", crm);
}

/** A project that somebody has changed by hand. */
export type Spoiled = ReturnType<typeof spoil>;

/** A copy of a project, to be broken. */
export function spoil(project: string) {
  const folder = join(mkdtempSync(join(tmpdir(), "switchhook-spoiled-")), "project");
  onTestFinished(() => rmSync(dirname(folder), { recursive: true, force: true }));
  cpSync(project, folder, { recursive: true });
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const read = (path: string) => readFileSync(join(folder, path), "utf8");
  return {
    folder,
    write,
    move(from: string, to: string): void {
      mkdirSync(dirname(join(folder, to)), { recursive: true });
      renameSync(join(folder, from), join(folder, to));
    },
    /** Changes what a JSON file says. */
    json: (path: string, change: (value: Record<string, unknown>) => object): void =>
      write(path, JSON.stringify(change(JSON.parse(read(path)) as Record<string, unknown>))),
    /** Puts other words into a file, which must have these. */
    replace(path: string, what: RegExp, by: string): void {
      const [before, after] = [read(path), read(path).replace(what, by)];
      expect(after).not.toBe(before);
      write(path, after);
    },
  };
}

/** `require` as another package has it, for what that package brings along. */
export function requireOf(owner: string): NodeJS.Require {
  return createRequire(createRequire(import.meta.url).resolve(owner));
}
