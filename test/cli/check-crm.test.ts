import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Emulator } from "@switchhook/emulators/contract";
import { startHubspot } from "@switchhook/emulators/hubspot";
import { startSalesforce } from "@switchhook/emulators/salesforce";
import { afterEach, expect, test } from "vitest";
import { cli as anyCli, withToken, workFolder } from "./support.ts";

const cli = (folder: string, args: readonly string[]) => anyCli(folder, args, withToken);

let emulator: Emulator;
afterEach(() => emulator.stop());

type Mapping = { activity: object; contact: object; task: { fields: object }; answer: { variables: object } };

/** A folder with one installation; its mapping is the CRM's default one, changed. */
function configure(
  crm: { type: string },
  change?: (mapping: Mapping) => void,
  publicUrl = "https://calls.example.com",
): string {
  const folder = workFolder();
  const installation = { crm, providers: { voys: { secret: "voys-secret" } }, region: "NL" };
  if (change) {
    const file = new URL(`../../mappings/${crm.type}.json`, import.meta.url);
    const { $schema: _, ...mapping } = JSON.parse(readFileSync(file, "utf8"));
    change(mapping);
    writeFileSync(join(folder, "mapping.json"), JSON.stringify(mapping, null, 2));
    Object.assign(installation, { mapping: "mapping.json" });
  }
  const file = { publicUrl, installations: { acme: installation } };
  writeFileSync(join(folder, "switchhook.json"), JSON.stringify(file));
  return folder;
}

async function hubspot() {
  const crm = await startHubspot({ region: "NL" });
  emulator = crm;
  crm.people.addOwner({ email: "ravi@example.com" });
  return { type: "hubspot", token: crm.token, apiUrl: crm.url };
}

async function salesforce() {
  const crm = await startSalesforce({ clientId: "client", clientSecret: "secret" });
  emulator = crm;
  return { type: "salesforce", loginUrl: crm.url, clientId: "client", clientSecret: "secret" };
}

test.each([
  ["HubSpot", hubspot],
  ["Salesforce", salesforce],
])("%s takes its default mapping", async (_name, open) => {
  const { code, stdout } = await cli(configure(await open()), ["check"]);
  expect(stdout).not.toContain("FAULT");
  expect(stdout).toMatch(/ok {5}acme: \w+: reachable, \d+ owners?$/m);
  expect(stdout).toMatch(/ok {5}acme: \w+ fields: all exist and take what the mapping gives/);
  expect(code).toBe(0);
});

test.each(["http://calls.example.com", "https://localhost", "https://192.168.1.7", "https://pbx.local"])(
  "HubSpot: recordings at %s are a fault with its cure, unless the mapping has no link to them",
  async (publicUrl) => {
    const crm = await hubspot();
    const { code, stdout } = await cli(configure(crm, undefined, publicUrl), ["check"]);
    expect(stdout).toMatch(
      /FAULT {2}acme: links in hubspot: publicUrl: \S+ is no public https address: .*hs_call_recording_url.*Set publicUrl/,
    );
    expect(code).toBe(1);
    const without = configure(
      crm,
      ({ activity }) => void Reflect.deleteProperty(activity, "hs_call_recording_url"),
      publicUrl,
    );
    const again = await cli(without, ["check"]);
    expect(again.stdout).toMatch(/off {4}acme: links in hubspot: recordings and transcripts work only where/);
    expect(again.code).toBe(0);
  },
);

test("HubSpot: every field that does not exist, cannot be written or has another type is named, with a cure", async () => {
  const folder = configure(await hubspot(), ({ activity, contact, task, answer }) => {
    Object.assign(activity, {
      hs_call_titel: "x",
      hs_createdate: { from: "call.startedAt" },
      hs_call_duration: { from: "call.duration.text" },
      hs_call_disposition: { from: "call.outcome", map: { completed: "Conected" } },
    });
    Object.assign(contact, { firstnam: "x" });
    Object.assign(task.fields, { hs_task_prioritty: "HIGH" });
    Object.assign(answer.variables, { stage: { from: "contact.fields.lifecyclestag" } });
  });
  const { code, stdout } = await cli(folder, ["check"]);
  expect(code).toBe(1);
  const faults = stdout.split("\n").filter((line) => line.startsWith("FAULT"));
  for (const expected of [
    /activity\.hs_call_titel: .*Did you mean hs_call_title\?/,
    /does not let us write hs_createdate/,
    /hs_call_duration takes a number/,
    /hs_call_disposition has no option Conected\. Did you mean Connected\?/,
    /contact\.firstnam: .*Did you mean firstname\?/,
    /task\.fields\.hs_task_prioritty: .*Did you mean hs_task_priority\?/,
    /contacts have no field lifecyclestag\. Did you mean lifecyclestage\?/,
  ])
    expect(
      faults.some((line) => expected.test(line)),
      String(expected),
    ).toBe(true);
  expect(faults).toHaveLength(7);
});

test("Salesforce: a field that does not exist, a picklist value and a type are named, with a cure", async () => {
  const folder = configure(await salesforce(), ({ activity, task }) => {
    Object.assign(activity, {
      Subjekt: "x",
      IsClosed: true,
      CallDurationInSeconds: { from: "call.duration.text" },
      Status: { text: "Complete", write: "once" },
    });
    Object.assign(task.fields, { Priorty: "High" });
  });
  const { code, stdout } = await cli(folder, ["check"]);
  expect(code).toBe(1);
  for (const expected of [
    /activity\.Subjekt: .*Did you mean Subject\?/,
    /does not let us write IsClosed/,
    /CallDurationInSeconds takes a number/,
    /Status has no option Complete\. Did you mean Completed\?/,
    /task\.fields\.Priorty: .*Did you mean Priority\?/,
  ])
    expect(stdout).toMatch(expected);
});

test("wrong credentials are said with their cure, and never repeated", async () => {
  const crm = await hubspot();
  const { code, stdout, stderr } = await cli(configure({ ...crm, token: "pat-wrong-token" } as typeof crm), [
    "check",
  ]);
  expect(code).toBe(1);
  expect(stdout).toMatch(/FAULT {2}acme: hubspot: .*refuses the access token.*crm\.token/);
  expect(stdout + stderr).not.toContain("pat-wrong-token");
});

test("an association that the CRM does not know is refused with the configuration", async () => {
  const folder = configure(await salesforce(), (mapping) => {
    Object.assign(mapping, { associate: { company: { from: "contact.fields.AccountId" } } });
  });
  const { code, stdout } = await cli(folder, ["check"]);
  expect(code).toBe(1);
  expect(stdout).toMatch(/associate\.company: calls of this CRM cannot be associated with a record company/);
});
