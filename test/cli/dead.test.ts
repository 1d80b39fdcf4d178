import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startHubspot } from "@switchhook/emulators/hubspot";
import { expect, onTestFinished, test } from "vitest";
import { findCall } from "../../src/cli/explain.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { decodedCall } from "../contracts/store-samples.ts";
import { cli, server, until, workFolder, writeAcme } from "./support.ts";

test("lists dead calls with their reason, and logs them once that is mended", async () => {
  const folder = workFolder();
  const hubspot = await startHubspot({ limits: false });
  onTestFinished(() => hubspot.stop());
  const body = { status: "error", category: "VALIDATION_ERROR", message: "Calls are closed" };
  hubspot.faults.add({ type: "status", status: 400, body, match: "upsert" });
  const crm = { type: "hubspot", token: hubspot.token, apiUrl: hubspot.url };
  writeAcme(folder, {}, { crm, mapping: undefined });
  const { settings } = await server(folder);
  const wishes = ["--calls", "2", "--installation", "acme"];
  await cli(folder, ["simulate", "exotel", ...wishes], settings);
  await until("two dead calls", async () => {
    const { stdout } = await cli(folder, ["dead", "--json"]);
    return (JSON.parse(stdout) as { dead: unknown[] }).dead.length === 2;
  });
  const { stdout } = await cli(folder, ["dead"]);
  expect(stdout).toMatch(/acme:exotel:sim-\w+-1 .* dead\n {4}HubSpot, logging calls: .*Calls are closed/);
  expect(hubspot.people.calls()).toEqual([]);

  hubspot.faults.clear();
  const key = /acme:exotel:sim-\w+-1/.exec(stdout)?.[0] ?? "";
  const one = await cli(folder, ["dead", "--retry", key]);
  expect(one.stdout).toMatch(/^1 call to be logged again/);
  await until("the call in HubSpot", () => hubspot.people.calls().length === 1);
  expect(hubspot.people.calls()[0]?.properties["switchhook_call_key"]).toBe(key);
  const rest = await cli(folder, ["dead", "--retry"]);
  expect(rest.stdout).toMatch(/^1 call to be logged again/);
  await until("both calls in HubSpot", () => hubspot.people.calls().length === 2);
  expect((await cli(folder, ["dead"])).stdout).toBe("No calls are dead.\n");
});

test("has nothing to look at in an empty data folder, and says so", async () => {
  const { code, stderr } = await cli(workFolder(), ["dead", "--data", "elsewhere"]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^There is nothing in the data folder elsewhere yet\..*--data/);
});

test("a whole id is found among newer calls that have it as a part of theirs", async () => {
  const folder = mkdtempSync(join(tmpdir(), "find-call-"));
  const store = openSqliteStore(folder);
  onTestFinished(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const ids = ["call-5", ...Array.from({ length: 30 }, (_, n) => `call-5${n}`)];
  await store.saveDecoded(
    "acme",
    [],
    ids.map((id) => decodedCall(id)),
  );
  expect(await findCall(store, "call-5")).toMatch(/:call-5$/);
  await expect(findCall(store, "call-")).rejects.toThrow('More than one call has "call-" in its id');
});
