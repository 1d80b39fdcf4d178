import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { connectors } from "../connectors/index.ts";
import { installationSchema, installationSettingNames } from "../src/config/schema.ts";
import { readManifest } from "../src/manifest.ts";
import { providers } from "../src/providers/index.ts";

const root = join(import.meta.dirname, "..");
const manifest = readManifest();

function foldersIn(path: string): string[] {
  const entries = readdirSync(join(root, path), { withFileTypes: true });
  return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort();
}

test("has the identity of the package", () => {
  const { name, version, description } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  expect(manifest.identity).toMatchObject({ id: name, version, description });
});

test("names every provider with its label, methods and webhook", () => {
  const known = Object.values(providers).map(({ id, label, methods }) => ({
    id,
    label,
    webhook: `/webhooks/:installation/${id}`,
    methods: [...methods],
  }));
  expect(manifest.providers.toSorted(byId)).toEqual(known.toSorted(byId));
});

test("calls the CRMs ready that have a connector, and no others", () => {
  const ready = manifest.crms.filter(({ status }) => status === "ready");
  expect(ready.map(({ id, label }) => ({ id, label })).toSorted(byId)).toEqual(
    Object.values(connectors)
      .map(({ id, label }) => ({ id, label }))
      .toSorted(byId),
  );
  for (const { mapping } of ready) expect(existsSync(join(root, mapping)), mapping).toBe(true);
});

test("has the install paths of every CRM that is reached by OAuth", () => {
  for (const { id, oauth } of manifest.crms.filter((crm) => crm.id !== "local")) {
    expect(oauth).toMatchObject({ install: `/install/${id}`, callback: `/install/${id}/callback` });
  }
});

test("says why it asks for each scope, of every CRM, and for nothing that it does not ask for", () => {
  for (const { id, oauth } of manifest.crms.filter((crm) => crm.oauth)) {
    const { scopes = [], optionalScopes = [], signIn, reasons = {} } = oauth ?? {};
    const all = new Set([...scopes, ...optionalScopes, ...(signIn?.scopes ?? [])]);
    expect(Object.keys(reasons).sort(), id).toEqual([...all].sort());
  }
});

test("says what is on with each optional scope, and with no other", () => {
  for (const { id, oauth } of manifest.crms.filter((crm) => crm.oauth)) {
    const { optionalScopes = [], features = {} } = oauth ?? {};
    expect(Object.keys(features).sort(), id).toEqual([...optionalScopes].sort());
  }
});

test("tells of every CRM with OAuth what is read and written there", () => {
  for (const { id, data } of manifest.crms.filter((crm) => crm.oauth))
    expect(data.length, id).toBeGreaterThan(2);
});

test("every adapter's folder is in its registry", () => {
  expect(Object.keys(providers).sort()).toEqual(foldersIn("src/providers"));
  expect(Object.keys(connectors).sort()).toEqual(foldersIn("connectors"));
});

test("lists the settings that an installation has, with their defaults", () => {
  expect(manifest.settings.map(({ name }) => name)).toEqual(installationSettingNames);
  const required = Object.fromEntries(
    manifest.settings.flatMap(({ name, required }) =>
      required ? [[name, name === "region" ? "NL" : {}]] : [],
    ),
  );
  const parsed: Record<string, unknown> = installationSchema([]).parse(required);
  for (const setting of manifest.settings.filter((one) => one.default !== undefined)) {
    expect(parsed[setting.name], setting.name).toBe(setting.default);
  }
});

function byId(a: { id: string }, b: { id: string }): number {
  return a.id < b.id ? -1 : 1;
}
