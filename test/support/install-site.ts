import { inspect } from "node:util";
import type { Emulator } from "@switchhook/emulators/contract";
import type { HubspotEmulator } from "@switchhook/emulators/hubspot";
import { openGrant } from "../../src/installations/grants.ts";
import { createSealer } from "../../src/lib/seal.ts";
import { crmIn, readManifest } from "../../src/manifest.ts";
import { providers } from "../../src/providers/index.ts";
import { assemble } from "../../src/server/assemble.ts";
import { inboundCall } from "./calls.ts";
import { createClock } from "./crm-turns.ts";
import { type CrmWorld, hubspotWorld, salesforceWorld } from "./crm-worlds.ts";
import { startProxy } from "./proxy.ts";
import { publicUrl as elsewhere, startServer } from "./server.ts";

export const key = "a sealing key that is long enough to be one";
const client = { clientId: "our-app", clientSecret: "our-app-secret-of-the-test" };
const known = "+31687654321";
const appId = 7;

export type InstallSite = Awaited<ReturnType<typeof installSite>>;

type SiteOptions = { apps?: object; webhooks?: boolean; player?: boolean };

/**
 * A server with our app at an emulated CRM, and the browser of somebody who installs it. `webhooks`: its public URL leads
 * to it, and the CRM tells it of contacts. `player`: its config names the app's number at HubSpot, so that HubSpot's own
 * player asks for recordings.
 */
export async function installSite(
  crm: "hubspot" | "salesforce",
  { apps, webhooks, player }: SiteOptions = {},
) {
  const clock = createClock();
  const proxy = webhooks ? await startProxy((): string => server.url) : undefined;
  const publicUrl = proxy?.url ?? elsewhere;
  const { world, app, revoke, allow, expire } = await (crm === "hubspot"
    ? hubspot(clock.now, publicUrl, webhooks === true)
    : salesforce(clock.now));
  world.addContact({ name: "Vera", phone: known });
  const lines: string[] = [];
  const note = (...facts: unknown[]) => void lines.push(inspect(facts, { depth: 20, breakLength: Infinity }));
  const log = { debug: note, info: note, warn: note, error: note };
  const numbered = { ...app, ...(player && { appId }) };
  const options = (sealingKey: string, publicUrl: string) => ({
    file: { apps: apps ?? { [crm]: numbered }, publicUrl },
    environment: { SWITCHHOOK_KEY: sealingKey },
    now: clock.now,
    log,
  });
  const server = await startServer(options(key, publicUrl));
  const requests = (): Emulator["requests"] => world.emulator.requests;

  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${server.url}${path}`, { redirect: "manual", headers });

  const begin = async () => {
    const answer = await get(`/install/${crm}?region=NL`);
    if (answer.status !== 302) throw new Error(`${answer.status}: ${await answer.text()}`);
    const [cookie = ""] = answer.headers.getSetCookie();
    return { consent: new URL(answer.headers.get("location") ?? ""), cookie };
  };

  /** Where the CRM sends the browser after consent. */
  const agree = async (consent: URL): Promise<URL> => {
    const answer = await fetch(`${consent.href}&_accept=1`, { redirect: "manual" });
    if (answer.status !== 302) throw new Error(`${answer.status}: ${await answer.text()}`);
    return new URL(answer.headers.get("location") ?? "");
  };

  const comeBack = (back: URL, cookie: string) =>
    get(`${back.pathname}${back.search}`, { cookie: cookie.split(";")[0] ?? "" });

  const install = async () => {
    const { consent, cookie } = await begin();
    const answer = await comeBack(await agree(consent), cookie);
    const text = await answer.text();
    return { status: answer.status, text, name: /<code>([\w-]+)<\/code>/.exec(text)?.[1] ?? "" };
  };

  /** A whole call of Voys to an installation's webhook URL. */
  const sendCall = async (name: string, id: string, customer = known): Promise<number[]> => {
    const installation = server.parts.installations.get(name);
    // The usual seconds for late facts are tested elsewhere.
    if (installation) installation.settings.settleSeconds = 0;
    const settings = installation?.providers["voys"]?.settings;
    const { simulate } = providers["voys"] ?? {};
    const statuses: number[] = [];
    for (const request of simulate?.script(inboundCall("voys", { id, customer })) ?? []) {
      const url = `${publicUrl}/webhooks/${name}/voys`;
      const signed = settings
        ? simulate?.sign(request, settings as never, { now: clock.now(), url })
        : request;
      const { method, headers, body, query } = signed ?? request;
      const sent = await fetch(`${server.url}/webhooks/${name}/voys?${query}`, {
        method,
        headers,
        body: Buffer.from(body),
      });
      statuses.push(sent.status);
    }
    return statuses;
  };

  return {
    world,
    /** HubSpot's own, for what only happens there. */
    portal: world.portal as HubspotEmulator,
    clientSecret: client.clientSecret,
    publicUrl,
    server,
    get,
    begin,
    agree,
    comeBack,
    install,
    sendCall,
    revoke,
    allow,
    expire,
    /** The access and the refresh tokens that are stored. */
    tokens: async () => {
      const installs = await server.parts.flow.store.installs();
      return installs.flatMap((install) => {
        const { accessToken, refreshToken } = openGrant(install, createSealer([key]));
        return [accessToken, refreshToken];
      });
    },
    /** All that was logged, with the causes of errors. */
    logged: () => lines.join("\n"),
    /** Another process over the same data, whose background work is not started. */
    async beside() {
      const parts = assemble(server.parts.config, { log, now: clock.now });
      await parts.accounts.load();
      return parts;
    },
    /** The disk fails at the next saving of an installation, once. */
    failNextSave(when: "before" | "after") {
      const { store } = server.parts.flow;
      const { saveInstall } = store;
      store.saveInstall = async (...given) => {
        store.saveInstall = saveInstall;
        if (when === "after") await saveInstall(...given);
        throw new Error(`the disk failed ${when} the write`);
      };
    },
    tokenRequests: () => requests().filter(({ kind }) => kind === "token").length,
    /** Whether the CRM was not told that we leave. */
    isConnected: () => !requests().some(({ kind }) => kind === "uninstall" || kind === "revoke"),
    /** Our clock, and the CRM's, go on; whatever waits for its time runs. */
    async later(ms: number): Promise<void> {
      clock.move(ms);
      await server.restart();
    },
    startWithKey: (other: string) => server.restartWith(options(other, publicUrl)),
    startAt: (other: string) => server.restartWith(options(key, other)),
    async stop(): Promise<void> {
      await server.stop();
      await world.emulator.stop();
      await proxy?.stop();
    },
  };
}

type Side = {
  world: CrmWorld & { portal?: HubspotEmulator };
  app: object;
  revoke(): void;
  allow(): void;
  expire(): void;
};

async function hubspot(now: () => number, publicUrl: string, webhooks: boolean): Promise<Side> {
  const { oauth, webhooks: hooks } = crmIn(readManifest(), "hubspot");
  const { scopes = [], optionalScopes = [] } = oauth ?? {};
  const redirectUris = ["install", "login"].map((path) => `${publicUrl}/${path}/hubspot/callback`);
  const world = await hubspotWorld({
    now,
    ...(webhooks && { webhookUrl: `${publicUrl}${hooks?.path}` }),
    app: { ...client, appId, redirectUris, requiredScopes: scopes, optionalScopes },
  });
  const { emulator } = world;
  return {
    world,
    app: { ...client, apiUrl: emulator.url, authorizeUrl: `${emulator.url}/oauth/authorize` },
    revoke: () => world.portal.people.uninstall(),
    allow: () => {},
    expire: () => world.portal.expireToken(),
  };
}

async function salesforce(now: () => number): Promise<Side> {
  const world = await salesforceWorld({ now, ...client });
  const { emulator } = world;
  const body = { error: "invalid_grant", error_description: "expired access/refresh token" };
  return {
    world,
    app: { ...client, loginUrl: emulator.url },
    revoke: () => {
      world.org.expireTokens();
      emulator.faults.add({ type: "status", status: 400, body, match: "token" });
    },
    allow: () => emulator.faults.clear(),
    expire: () => world.org.expireTokens(),
  };
}
