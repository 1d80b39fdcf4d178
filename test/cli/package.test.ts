import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { cli, withToken, workFolder, writeAcme } from "./support.ts";

const committed = resolve(import.meta.dirname, "../../marketplace");
const crms = ["hubspot", "salesforce"] as const;

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();

test.each(crms)("marketplace/%s is what the manifest gives", async (crm) => {
  const { code, stdout } = await cli(workFolder(), [
    ...["package", crm, "--check", "--out", join(committed, crm)],
  ]);
  expect(stdout).toMatch(/all as the manifest has them/);
  expect(code).toBe(0);
});

test.each(crms)("writes the whole %s project into its folder, as it is committed", async (crm) => {
  const folder = workFolder();
  const { code, stdout } = await cli(folder, ["package", crm]);
  expect(code).toBe(0);
  const written = filesIn(join(folder, "marketplace", crm));
  expect(written).toEqual(filesIn(join(committed, crm)));
  expect(stdout).toContain(`marketplace/${crm}: ${written.length} files, ${written.length} written.`);
  expect(stdout).toContain("Warning: the files name https://switchhook.example.com");
  expect(stdout).toContain("Warning: identity.support in manifest.json is an example");
});

test("writes again only what was changed, and leaves other people's files alone", async () => {
  const folder = workFolder();
  const project = join(folder, "project");
  const ask = ["package", "hubspot", "--out", "project"];
  await cli(folder, ask);
  mkdirSync(join(project, "src/app/cards"));
  writeFileSync(join(project, "src/app/cards/theirs.json"), "{}");
  writeFileSync(join(project, "hsproject.json"), "{}");
  const readme = statSync(join(project, "README.md")).mtimeMs;
  const { stdout } = await cli(folder, ask);
  expect(stdout).toContain("changed hsproject.json\nproject: 4 files, 1 written.");
  expect(statSync(join(project, "README.md")).mtimeMs).toBe(readme);
  expect(readFileSync(join(project, "src/app/cards/theirs.json"), "utf8")).toBe("{}");
});

test("--check finds what differs or is missing, says how to mend it, and writes nothing", async () => {
  const folder = workFolder();
  await cli(folder, ["package", "hubspot"]);
  const file = join(folder, "marketplace/hubspot/src/app/app-hsmeta.json");
  writeFileSync(file, "edited");
  const { code, stdout } = await cli(folder, ["package", "hubspot", "--check"]);
  expect(code).toBe(1);
  expect(stdout).toContain("changed src/app/app-hsmeta.json");
  expect(stdout).toContain("Write them again: npm run switchhook -- package hubspot");
  expect(readFileSync(file, "utf8")).toBe("edited");
  const json = await cli(folder, ["package", "salesforce", "--check", "--json"]);
  expect(json.code).toBe(1);
  const { ok, files } = JSON.parse(json.stdout);
  expect([ok, new Set(files.map(({ state }: { state: string }) => state))]).toEqual([
    false,
    new Set(["new"]),
  ]);
});

test("names the server that the configuration names, or the option, which wins", async () => {
  const folder = workFolder();
  writeAcme(folder, { subject: "A call" });
  const config = JSON.parse(readFileSync(join(folder, "switchhook.json"), "utf8"));
  writeFileSync(
    join(folder, "switchhook.json"),
    JSON.stringify({ ...config, publicUrl: "https://calls.acme.com" }),
  );
  const redirectUrls = () =>
    JSON.parse(readFileSync(join(folder, "marketplace/hubspot/src/app/app-hsmeta.json"), "utf8")).config.auth
      .redirectUrls;
  const { stdout } = await cli(folder, ["package", "hubspot"], withToken);
  expect(stdout).not.toContain("Warning: the files name");
  expect(redirectUrls()).toContain("https://calls.acme.com/install/hubspot/callback");
  await cli(folder, ["package", "hubspot", "--url", "https://other.acme.com/calls/"]);
  expect(redirectUrls()).toContain("https://other.acme.com/calls/install/hubspot/callback");
});

test.each(["http://calls.acme.com", "calls.acme.com", "https://a:b@acme.com", "https://acme.com/?x=1"])(
  "turns away %s as the server's address",
  async (url) => {
    const { code, stderr } = await cli(workFolder(), ["package", "hubspot", "--url", url]);
    expect(code).toBe(1);
    expect(stderr).toContain(`--url ${url} is not an address that a CRM takes`);
  },
);

test("turns away a CRM without a marketplace, and a folder that is a file", async () => {
  const folder = workFolder();
  const local = await cli(folder, ["package", "local"]);
  expect(local.code).toBe(1);
  expect(local.stderr).toContain("Allowed choices are hubspot, salesforce");
  writeFileSync(join(folder, "taken"), "");
  const { code, stderr } = await cli(folder, ["package", "hubspot", "--out", "taken"]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/taken.*cannot be written.*--out\.\n$/);
});
