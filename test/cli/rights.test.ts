import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { cli, server, workFolder, writeAcme } from "./support.ts";

const rights = (path: string) => (statSync(path).mode & 0o7777).toString(8);

/** Every file and folder of a folder that somebody else can read or change. */
const openIn = (folder: string) =>
  [folder, ...readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name))]
    .filter((path) => (statSync(path).mode & 0o077) !== 0)
    .map((path) => `${path} ${rights(path)}`);

function writeServer(): { folder: string; data: string } {
  const folder = workFolder();
  writeAcme(folder, { subject: "Call" });
  return { folder, data: join(folder, "data") };
}

describe("the data folder and the file of the local CRM", () => {
  test("are for the server's user alone from the start, also in the demo", async () => {
    const { folder, data } = writeServer();
    chmodSync(join(folder, "crm.json"), 0o644);
    const { output } = await server(folder);
    expect(output()).toContain("listening");
    expect(openIn(data)).toEqual([]);
    expect(rights(join(folder, "crm.json"))).toBe("600");
    const demo = workFolder();
    await server(demo);
    expect(openIn(join(demo, "data"))).toEqual([]);
    expect(readdirSync(join(demo, "data"))).toContain("demo-crm.json");
  });

  test("of an earlier version are closed, and the log and the check say so", async () => {
    const { folder, data } = writeServer();
    mkdirSync(join(data, "mappings"), { recursive: true });
    const files = ["switchhook.lock", "switchhook.lock-journal", "mappings/acme.json"];
    const loosen = () => {
      new DatabaseSync(join(data, "switchhook.db")).exec("PRAGMA journal_mode = WAL; BEGIN; COMMIT");
      for (const name of files) writeFileSync(join(data, name), "");
      for (const name of [...files, "switchhook.db", "mappings"]) chmodSync(join(data, name), 0o666 | 0o100);
      chmodSync(data, 0o777);
      chmodSync(join(folder, "crm.json"), 0o644);
    };
    writeFileSync(join(folder, "elsewhere"), "", { mode: 0o644 });
    loosen();
    const checked = await cli(folder, ["check"]);
    expect(checked.stdout).toMatch(
      /ok {5}data folder: .*switchhook\.lock.*crm\.json was open to other users, and is closed/,
    );
    expect(checked.code).toBe(0);
    expect(openIn(data)).toEqual([]);
    loosen();
    const { output } = await server(folder);
    expect(output()).toContain("other users could read these");
    expect(openIn(data)).toEqual([]);
    expect(rights(join(folder, "elsewhere"))).toBe("644");
    expect((await cli(folder, ["check"])).stdout).not.toContain("closed now");
  });

  test("that all users share is said to be open, and its rights are left alone", async () => {
    const { folder, data } = writeServer();
    mkdirSync(data);
    chmodSync(data, 0o1777);
    const { code, stdout } = await cli(folder, ["check"]);
    expect(stdout).toMatch(/FAULT {2}data folder: \.\/data: can be read or changed by other users/);
    expect(code).toBe(1);
    expect(rights(data)).toBe("1777");
    const { output } = await server(folder);
    expect(output()).toContain("can be read or changed by other users");
  });

  // Only root can be somebody else.
  test.runIf(process.getuid?.() === 0)(
    "cannot be read or locked by another user of the machine",
    async () => {
      const { folder, data } = writeServer();
      chmodSync(folder, 0o755);
      await server(folder);
      for (const path of [
        join(data, "switchhook.db"),
        join(data, "switchhook.lock"),
        join(folder, "crm.json"),
      ])
        expect(() =>
          execFileSync(process.execPath, ["-e", `require("fs").openSync(${JSON.stringify(path)}, "r")`], {
            uid: 65_534,
            gid: 65_534,
            cwd: "/",
            stdio: "pipe",
          }),
        ).toThrow(/EACCES/);
    },
  );
});
