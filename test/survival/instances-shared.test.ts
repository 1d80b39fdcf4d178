import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { InstallBody } from "../../src/installations/installer.ts";
import { createSealer } from "../../src/lib/seal.ts";
import { crmIn, readManifest } from "../../src/manifest.ts";
import { providers } from "../../src/providers/index.ts";
import { hubspotWorld, salesforceWorld } from "../support/crm-worlds.ts";
import { openInstancesWorld } from "../support/instances-world.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { seeded } from "../support/random.ts";
import { rounds } from "../support/rounds.ts";
import { waitFor } from "../support/server.ts";

const key = "a sealing key that is long enough to be one";
const token = "the-admin-token-of-the-instances";
const environment = { SWITCHHOOK_KEY: key, SWITCHHOOK_ADMIN_TOKEN: token };
const client = { clientId: "our-app", clientSecret: "our-app-secret-of-the-test" };
const publicUrl = "https://hooks.example.com";
const retell = { apiKey: "retell-secret" };
const caller = "+31687654321";
/** With notifications, and without. */
const [noticedMs, lookedMs] = [2_000, 10_000];

let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

type Urls = { url: string }[];

async function api(
  url: string,
  path: string,
  init: RequestInit & { json?: unknown } = {},
): Promise<Response> {
  const { json, ...rest } = init;
  return fetch(`${url}${path}`, {
    ...rest,
    headers: {
      authorization: `Bearer ${token}`,
      ...(json !== undefined && { "content-type": "application/json" }),
    },
    ...(json !== undefined && { body: JSON.stringify(json) }),
  });
}

/** How long it takes until all instances show something. */
async function untilAll(
  instances: Urls,
  what: string,
  shows: (url: string) => Promise<boolean>,
): Promise<number> {
  const since = performance.now();
  for (const { url } of instances) await waitFor(`${what} at ${url}`, () => shows(url), 20);
  return Math.round(performance.now() - since);
}

/** A question of an AI agent, as Retell signs it. */
async function ask(
  url: string,
  { name, id, from }: { name: string; id: string; from: string },
): Promise<string> {
  const body = Buffer.from(
    JSON.stringify({
      event: "call_inbound",
      event_timestamp: Date.now(),
      call_inbound: { call_id: id, agent_id: "agent_front", from_number: from, to_number: "+31201234567" },
    }),
  );
  const request = {
    afterSeconds: 0,
    method: "POST" as const,
    query: "",
    headers: { "content-type": "application/json" },
    body,
  };
  const { simulate } = providers["retell"] ?? {};
  const signed = simulate?.sign(request, { apiKey: [retell.apiKey] } as never, { now: Date.now(), url });
  const response = await fetch(`${url}/webhooks/${name}/retell`, {
    method: "POST",
    headers: signed?.headers ?? {},
    body,
  });
  expect(response.status).toBe(200);
  return response.text();
}

/** HubSpot with our app, which its administrators install; its refresh tokens are good once. */
async function portalWithApp() {
  const { oauth } = crmIn(readManifest(), "hubspot");
  const { scopes = [], optionalScopes = [] } = oauth ?? {};
  const redirectUris = [`${publicUrl}/install/hubspot/callback`];
  const app = { ...client, appId: 7, redirectUris, requiredScopes: scopes, optionalScopes };
  const world = await hubspotWorld({ app, rotateRefreshTokens: true });
  onTestFinished(() => world.emulator.stop());
  const { url } = world.emulator;
  return { ...world, app: { ...client, apiUrl: url, authorizeUrl: `${url}/oauth/authorize` } };
}

const tokenRequests = ({ emulator }: Pick<Awaited<ReturnType<typeof portalWithApp>>, "emulator">): number =>
  emulator.requests.filter(({ kind }) => kind === "token").length;

test("tokens that have expired are renewed once, however many instances need them", async () => {
  const hubspot = await portalWithApp();
  const salesforce = await salesforceWorld({ ...client });
  onTestFinished(() => salesforce.emulator.stop());
  const sealer = createSealer([key]);
  const granted = hubspot.portal.people.install();
  const grants = {
    hubspot: { accessToken: granted.accessToken, refreshToken: granted.refreshToken ?? "", scopes: [] },
    salesforce: {
      accessToken: "none",
      refreshToken: salesforce.org.approve(),
      url: salesforce.emulator.url,
      scopes: [],
    },
  };
  const names = ["hubspot", "salesforce"] as const;
  const { instances } = await openInstancesWorld({
    postgres,
    random: seeded(1),
    crms: {},
    file: {
      publicUrl,
      apps: { hubspot: hubspot.app, salesforce: { ...client, loginUrl: salesforce.emulator.url } },
    },
    environment,
    async prepare(store) {
      for (const crm of names) {
        const settings = { region: "NL", providers: { retell } };
        const body: InstallBody = { account: { id: crm, name: crm }, scopes: [], changes: [], settings };
        await store.saveInstall({
          ...{ name: crm, crm, account: crm, state: "active", version: 1, updatedAt: Date.now() },
          body: JSON.stringify(body),
          sealed: sealer.seal(JSON.stringify(grants[crm]), crm),
        });
      }
    },
  });
  const sides = { hubspot, salesforce };
  const askAll = async (round: number) => {
    const asked = instances.flatMap(({ url, number }) =>
      names.map((name) =>
        ask(url, { name, id: `q-${round}-${number}`, from: `+3168765${4000 + round * 10 + number}` }),
      ),
    );
    await Promise.all(asked);
  };
  // Every instance has a token that is good.
  await askAll(0);
  await waitFor("the first syncs", () => names.every((name) => sides[name].emulator.requests.length > 3));
  await pause(2_000);
  for (let round = 1; round <= rounds({ whole: 10, short: 3 }); round += 1) {
    const before = names.map((name) => tokenRequests(sides[name]));
    hubspot.portal.expireToken();
    salesforce.org.expireTokens();
    await askAll(round);
    await pause(500);
    expect(
      names.map((name, i) => tokenRequests(sides[name]) - (before[i] ?? 0)),
      `round ${round}`,
    ).toEqual([1, 1]);
  }
});

describe("what is changed at one instance is in use at all of them", () => {
  test.each([
    ["with notifications", noticedMs],
    ["without notifications", lookedMs],
  ])("%s", { timeout: 240_000 }, async (how, limitMs) => {
    const portal = await portalWithApp();
    portal.addContact({ name: "Vera", phone: caller });
    const world = await openInstancesWorld({
      postgres,
      random: seeded(1),
      crms: { acme: "HubSpot" },
      file: { publicUrl, apps: { hubspot: portal.app } },
      environment,
    });
    if (how === "without notifications")
      await world.database.query(`
        CREATE OR REPLACE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$
          BEGIN
            INSERT INTO changes (what, name) VALUES (TG_TABLE_NAME, COALESCE(to_jsonb(new), to_jsonb(old)) ->> TG_ARGV[0]);
            RETURN NULL;
          END $$`);
    const { instances } = world;
    const [first, second] = instances.map(({ url }) => url) as [string, string];
    const times: Record<string, number> = {};

    const mapping = { crm: "hubspot", activity: { hs_call_title: { text: "Changed for all" } } };
    const saved = await api(first, "/api/installations/acme/mapping", { method: "PUT", json: mapping });
    expect(saved.status, await saved.text()).toBe(200);
    times["mapping"] = await untilAll(instances, "the mapping", async (url) => {
      const { text } = (await (await api(url, "/api/installations/acme/mapping")).json()) as { text: string };
      return text.includes("Changed for all");
    });

    // The CRM sends the administrator back to any of the instances.
    const begun = await fetch(`${first}/install/hubspot?region=NL`, { redirect: "manual" });
    const cookie = begun.headers.getSetCookie()[0]?.split(";")[0] ?? "";
    const agreed = await fetch(`${begun.headers.get("location")}&_accept=1`, { redirect: "manual" });
    const back = new URL(agreed.headers.get("location") ?? "");
    const done = await fetch(`${second}${back.pathname}${back.search}`, { headers: { cookie } });
    const page = await done.text();
    expect(done.status, page).toBe(200);
    const name = /<code>([\w-]+)<\/code>/.exec(page)?.[1] ?? "";
    // Webhooks of an account that has just been connected are not turned away, wherever they come in.
    const statuses = await Promise.all(
      instances.map(
        async ({ url }) =>
          (await fetch(`${url}/webhooks/${name}/voys?key=wrong`, { method: "POST", body: "{}" })).status,
      ),
    );
    expect.soft(statuses).toEqual(instances.map(() => 401));
    times["install"] = await untilAll(instances, "the account", async (url) => {
      return (await api(url, `/api/installations/${name}/settings`)).status === 200;
    });

    type Settings = { version: number; settings: Record<string, unknown> };
    const read = async (url: string) =>
      (await (await api(url, `/api/installations/${name}/settings`)).json()) as Settings;
    const { version, settings } = await read(second);
    const next = { version, settings: { ...settings, timeZone: "Asia/Kolkata" } };
    expect(
      (await api(second, `/api/installations/${name}/settings`, { method: "PUT", json: next })).status,
    ).toBe(200);
    times["settings"] = await untilAll(instances, "the settings", async (url) => {
      return (await read(url)).settings["timeZone"] === "Asia/Kolkata";
    });

    const gone = await api(first, `/api/installations/${name}`, { method: "DELETE" });
    expect(gone.status, await gone.text()).toBeLessThan(300);
    times["disconnect"] = await untilAll(instances, "the end of the account", async (url) => {
      const answer = await fetch(`${url}/webhooks/${name}/voys?key=wrong`, { method: "POST", body: "{}" });
      return answer.status === 404;
    });
    for (const [what, ms] of Object.entries(times)) expect.soft(ms, what).toBeLessThan(limitMs);
  });
});

test("the same question at two instances at once gets the same answer", { timeout: 300_000 }, async () => {
  const pairs = rounds({ whole: 300, short: 40 });
  const random = seeded(20_261_202);
  const deadlineMs = 300;
  const world = await openInstancesWorld({
    postgres,
    random,
    crms: { hub: "HubSpot" },
    settings: { answerDeadlineMs: deadlineMs, providers: { retell } },
  });
  const [one, other] = world.instances;
  if (!one || !other) throw new Error("no instances");
  const hub = world.crms.get("hub");
  await pause(3_000);
  // One of the two hears from the CRM, the other one not in time.
  const slow = new Set<number>();
  world.recorder.hold = ({ instance, path }, when) =>
    when === "before" && slow.has(instance) && path.endsWith("/search") ? pause(deadlineMs * 2) : undefined;
  const different: string[] = [];
  for (let i = 0; i < pairs; i += 1) {
    const from = `+3168765${String(1_000 + i)}`;
    hub?.addContact({ name: `Caller ${i}`, phone: from });
    slow.clear();
    slow.add(random.pick([one.number, other.number]));
    const answers = await Promise.all(
      [one, other].map(({ url }) => ask(url, { name: "hub", id: `pair-${i}`, from })),
    );
    if (answers[0] !== answers[1]) different.push(answers.join(" / "));
  }
  expect(different).toEqual([]);
});
