import { describe, expect, test } from "vitest";
import { createHubspot } from "../../connectors/hubspot/index.ts";
import { ownProperties } from "../../connectors/hubspot/people.ts";
import { crmIn, readManifest } from "../../src/manifest.ts";
import { projects } from "../../src/marketplace/index.ts";

const hubspot = createHubspot();

const manifest = readManifest();
const { oauth, webhooks, data } = crmIn(manifest, "hubspot");
const publicUrl = "https://calls.acme.example/base";
const project = projects.hubspot(manifest, publicUrl);

type Uploaded = {
  uid: string;
  type: string;
  config: {
    name: string;
    distribution: string;
    auth: { type: string; redirectUrls: string[]; requiredScopes: string[]; optionalScopes: string[] };
    permittedUrls: object;
    support: Record<string, string>;
    settings: { targetUrl: string; maxConcurrentRequests: number };
    subscriptions: Record<string, { subscriptionType: string; propertyName?: string; active: boolean }[]>;
  };
};

const fileOf = (path: string) => JSON.parse(project.get(path) ?? "") as Uploaded;
const app = fileOf("src/app/app-hsmeta.json");
const told = fileOf("src/app/webhooks/webhooks-hsmeta.json");

describe("the HubSpot project", () => {
  test("is one that the platform takes: its version, and where each part lies", () => {
    expect(JSON.parse(project.get("hsproject.json") ?? "")).toEqual({
      name: "switchhook",
      srcDir: "src",
      platformVersion: "2026.09",
    });
    expect([app.type, told.type]).toEqual(["app", "webhooks"]);
    const uids = [app.uid, told.uid];
    expect(new Set(uids).size).toBe(2);
    for (const uid of uids) expect(uid).toMatch(/^[a-zA-Z0-9_\-.]{1,64}$/);
  });

  test("asks for the manifest's scopes, no others, at the manifest's callback", () => {
    expect(app.config.distribution).toBe("marketplace");
    expect(app.config.auth).toEqual({
      type: "oauth",
      redirectUrls: [`${publicUrl}/install/hubspot/callback`, `${publicUrl}/login/hubspot/callback`],
      requiredScopes: oauth?.scopes,
      optionalScopes: oauth?.optionalScopes,
      conditionallyRequiredScopes: [],
    });
  });

  test("has a name that HubSpot lists, and no URL that its pages would open", () => {
    expect(app.config.name).not.toMatch(/hub/i);
    expect(app.config.permittedUrls).toEqual({ fetch: [], iframe: [], img: [] });
  });

  test("names support with https URLs and no field that is empty", () => {
    const { supportEmail, documentationUrl, supportUrl, ...more } = app.config.support;
    expect(supportEmail).toContain("@");
    for (const url of [documentationUrl, supportUrl]) expect(url).toMatch(/^https:\/\/.{1,242}$/);
    expect(more).toEqual({});
  });

  test("is told of new, changed, deleted and merged contacts, and of privacy deletions", () => {
    expect(told.config.settings.targetUrl).toBe(publicUrl + webhooks?.path);
    const { crmObjects = [], hubEvents = [] } = told.config.subscriptions;
    expect(new Set(crmObjects.map(({ subscriptionType }) => subscriptionType))).toEqual(
      new Set(["object.creation", "object.propertyChange", "object.deletion", "object.merge"]),
    );
    expect(crmObjects.flatMap(({ propertyName }) => propertyName ?? [])).toEqual(webhooks?.properties);
    expect(hubEvents).toEqual([{ subscriptionType: "contact.privacyDeletion", active: true }]);
    for (const one of crmObjects) expect(one).toMatchObject({ objectType: "contact", active: true });
  });
});

test("is told only of properties that the contact index has", () => {
  for (const property of webhooks?.properties ?? []) expect(ownProperties("contacts")).toContain(property);
});

test("the README has every scope with its reason, and the table of shared data", () => {
  const scopes = [...(oauth?.scopes ?? []), ...(oauth?.optionalScopes ?? [])];
  for (const scope of scopes) expect(project.get("README.md")).toMatch(rowOf(scope));
  for (const { object, access } of data)
    expect(project.get("README.md")).toContain(`| ${object} | ${access} |`);
});

test("the webhook's path is nobody else's", () => {
  const provider = /^\/webhooks\/[^/]+\/[^/]+$/;
  expect(webhooks?.path).not.toMatch(provider);
  expect(webhooks?.path).toContain(hubspot.id);
});

/** A row of the table with this scope and something in each of its cells. */
function rowOf(scope: string): RegExp {
  return new RegExp(`^\\| \`${scope.replaceAll(".", "\\.")}\` \\| (required|optional) \\| \\S.* \\|$`, "m");
}
