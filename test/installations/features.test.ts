import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { featuresOf } from "../../src/installations/installer.ts";
import { crmIn, readManifest } from "../../src/manifest.ts";
import { type InstallSite, installSite } from "../support/install-site.ts";
import { waitFor } from "../support/server.ts";

const {
  scopes: required = [],
  optionalScopes = [],
  features = {},
} = crmIn(readManifest(), "hubspot").oauth ?? {};
const schemas = "crm.schemas.contacts.write";
const companies = "crm.objects.companies.read";
const others = (scope: string) => optionalScopes.filter((one) => one !== scope);

let site: InstallSite;
let company: string;
beforeEach(async () => {
  site = await installSite("hubspot");
  company = site.portal.people.add("companies", { name: "Acme" });
});
afterEach(() => site.stop());

/** What an administrator does who ticks off some of what our app would like to have. Gives the last page's text. */
async function consent(without: readonly string[]): Promise<{ name: string; text: string }> {
  const { consent, cookie } = await site.begin();
  consent.searchParams.set("_without", without.join(","));
  const answer = await site.comeBack(await site.agree(consent), cookie);
  const text = await answer.text();
  expect(answer.status, text).toBe(200);
  return { text, name: /<code>([\w-]+)<\/code>/.exec(text)?.[1] ?? "" };
}

async function put(path: string, value: object): Promise<void> {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${site.server.url}${path}`, {
    method: "PUT",
    headers,
    body: JSON.stringify(value),
  });
  expect(answer.status, await answer.text()).toBe(200);
}

async function read<T>(path: string): Promise<T> {
  return (await (await site.get(path)).json()) as T;
}

/** An account whose mapping puts all calls on a company, and that waits for nothing before it logs them. */
async function connect(without: readonly string[]): Promise<{ name: string; text: string }> {
  const connected = await consent(without);
  const path = `/api/installations/${connected.name}`;
  const { mapping } = await read<{ mapping: object }>(`${path}/mapping`);
  await put(`${path}/mapping`, { ...mapping, associate: { company } });
  const { version, settings } = await read<{ version: number; settings: object }>(`${path}/settings`);
  await put(`${path}/settings`, { version, settings: { ...settings, settleSeconds: 0 } });
  return connected;
}

async function logCall(name: string, id: string): Promise<void> {
  const before = site.portal.people.calls().length;
  await site.sendCall(name, id);
  await waitFor(`the call ${id}`, async () => {
    const found = await site.server.parts.flow.store.call(`${name}:voys:${id}`);
    return found?.row.state === "logged";
  });
  expect(site.portal.people.calls()).toHaveLength(before + 1);
}

const refused = () => site.portal.requests.filter(({ status }) => status === 403);
const asked = (what: string | RegExp) =>
  site.portal.requests.filter(({ kind, path }) => kind === what || path.search(what) >= 0);
const told = async (name: string) => {
  const { items } = await read<{ items: { name: string; features?: object[] }[] }>("/api/installations");
  const { features } = await read<{ features: object[] }>(`/api/installations/${name}/settings`);
  expect(items.find((one) => one.name === name)?.features).toEqual(features);
  return features;
};
const off = (scope: string) => ({
  feature: features[scope],
  on: false,
  why: expect.stringMatching(
    new RegExp(
      `did not grant ${scope}: connect the account again at https://hooks.example.com/install/hubspot`,
    ),
  ),
});
const on = (scope: string) => ({ feature: features[scope], on: true });

test("with every scope all is on: calls carry our key and are on their company", async () => {
  const { name, text } = await connect([]);
  expect(text).not.toContain("Switched off");
  expect(await told(name)).toEqual(optionalScopes.map(on));
  await logCall(name, "whole");
  const [call] = site.portal.people.calls();
  expect(call?.properties).toMatchObject({ switchhook_call_key: `${name}:voys:whole` });
  expect(call?.associations).toMatchObject({ companies: [company] });
  expect(refused()).toEqual([]);
});

describe.each([schemas, companies])("without %s", (scope) => {
  test("the last page, the API and the settings say what is off, and how to switch it on", async () => {
    const { name, text } = await connect([scope]);
    expect(text).toContain("Switched off");
    expect(text).toContain(features[scope]);
    expect(text).toContain(`did not grant ${scope}: connect the account again`);
    for (const other of others(scope)) expect(text).not.toContain(features[other]);
    expect(await told(name)).toEqual(optionalScopes.map((one) => (one === scope ? off(one) : on(one))));
  });

  test("nothing is asked for that HubSpot would refuse, and the log says so", async () => {
    const { name } = await connect([scope]);
    for (const id of ["a", "b", "c"]) await logCall(name, id);
    expect(refused()).toEqual([]);
    const not = scope === schemas ? "property write" : /associations\/.*companies/;
    expect(asked(not)).toEqual([]);
    expect(site.logged()).toContain(`does not grant ${scope}`);
  });

  test("connecting again with it switches it on, without a restart, and no call is logged twice", async () => {
    const { name } = await connect([scope]);
    await logCall(name, "before");
    const again = await consent([]);
    expect(again.name).toBe(name);
    expect(again.text).not.toContain("Switched off");
    expect(await told(name)).toEqual(optionalScopes.map(on));
    await logCall(name, "after");
    const [before, after] = site.portal.people.calls();
    expect(after?.properties).toMatchObject({ switchhook_call_key: `${name}:voys:after` });
    expect(after?.associations).toMatchObject({ companies: [company] });
    expect(before?.associations["contacts"]).toEqual(after?.associations["contacts"]);
    expect(refused()).toEqual([]);
  });
});

test("a call without its company says so in its history", async () => {
  const { name } = await connect([companies]);
  await logCall(name, "alone");
  const [call] = site.portal.people.calls();
  expect([call?.associations["contacts"]?.length, call?.associations["companies"]]).toEqual([1, undefined]);
  const { history } = await read<{ history: { step: string; detail: object }[] }>(
    `/api/calls/${name}:voys:alone`,
  );
  expect(history.find(({ step }) => step === "created")?.detail).toMatchObject({
    without: [expect.stringMatching(`its company: the account does not grant ${companies}`)],
  });
});

test("what is taken back with a new consent is off from then on", async () => {
  const { name } = await connect([]);
  await logCall(name, "with");
  await consent([companies]);
  expect(await told(name)).toEqual([on(schemas), off(companies)]);
  await logCall(name, "without");
  expect(site.portal.people.calls().map(({ associations }) => associations["companies"])).toEqual([
    [company],
    undefined,
  ]);
  expect(refused()).toEqual([]);
});

test("so is what a renewed access comes without", async () => {
  const { name } = await connect([]);
  await logCall(name, "with");
  site.portal.people.install([...required, schemas]);
  site.expire();
  await logCall(name, "renewing");
  expect(await told(name)).toEqual([on(schemas), off(companies)]);
  await logCall(name, "without");
  expect(site.portal.people.calls()[2]?.associations["companies"]).toBeUndefined();
});

test("a CRM that tells of no scopes has everything on", () => {
  const crm = { label: "HubSpot", optionalScopes, features };
  expect(featuresOf(crm, [], "/install/hubspot")).toEqual(optionalScopes.map(on));
});
