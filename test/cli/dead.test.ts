import { expect, test } from "vitest";
import { activitiesIn, cli, server, settled, until, workFolder, writeAcme, writeMapping } from "./support.ts";

test("lists dead calls with their reason, and logs them once that is mended", async () => {
  const folder = workFolder();
  // The local CRM fills `id` itself and refuses a mapping that does.
  writeAcme(folder, { id: "mine", subject: "A call" });
  const { settings } = await server(folder);
  const wishes = ["--calls", "2", "--installation", "acme"];
  await cli(folder, ["simulate", "exotel", ...wishes], settings);
  await until("two dead calls", async () => {
    const { stdout } = await cli(folder, ["dead", "--json"]);
    return (JSON.parse(stdout) as { dead: unknown[] }).dead.length === 2;
  });
  const { stdout } = await cli(folder, ["dead"]);
  expect(stdout).toMatch(/acme:exotel:sim-\w+-1 .* dead\n {4}the local CRM fills "id" itself/);
  expect(activitiesIn(folder, "crm.json")).toEqual([]);

  writeMapping(folder, { subject: "A call" });
  const key = /acme:exotel:sim-\w+-1/.exec(stdout)?.[0] ?? "";
  const one = await cli(folder, ["dead", "--retry", key]);
  expect(one.stdout).toMatch(/^1 call to be logged again/);
  expect((await settled(folder, 1, "crm.json")).map((activity) => activity.key)).toEqual([key]);
  const rest = await cli(folder, ["dead", "--retry"]);
  expect(rest.stdout).toMatch(/^1 call to be logged again/);
  await settled(folder, 2, "crm.json");
  expect((await cli(folder, ["dead"])).stdout).toBe("No calls are dead.\n");
});

test("has nothing to look at in an empty data folder, and says so", async () => {
  const { code, stderr } = await cli(workFolder(), ["dead", "--data", "elsewhere"]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^There is nothing in the data folder elsewhere yet\..*--data/);
});
