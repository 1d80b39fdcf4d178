import { readManifest } from "../../src/manifest.ts";
import { providers } from "../../src/providers/index.ts";
import type { Emulator } from "../emulators/contract.ts";
import { inboundCall } from "./calls.ts";
import { createClock } from "./crm-turns.ts";
import { type CrmWorld, hubspotWorld, salesforceWorld } from "./crm-worlds.ts";
import { publicUrl, startServer } from "./server.ts";

const key = "a sealing key that is long enough to be one";
const client = { clientId: "our-app", clientSecret: "our-app-secret-of-the-test" };
const known = "+31687654321";

export type InstallSite = Awaited<ReturnType<typeof installSite>>;

/** A server with our app at an emulated CRM, and the browser of somebody who installs it. */
export async function installSite(crm: "hubspot" | "salesforce", { apps }: { apps?: object } = {}) {
  const clock = createClock();
  const { world, app, revoke, allow, expire } = await (crm === "hubspot"
    ? hubspot(clock.now)
    : salesforce(clock.now));
  world.addContact({ name: "Vera", phone: known });
  const options = (sealingKey: string) => ({
    file: { apps: apps ?? { [crm]: app } },
    environment: { SWITCHHOOK_KEY: sealingKey },
    now: clock.now,
  });
  const server = await startServer(options(key));
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
  const sendCall = async (name: string, id: string): Promise<number[]> => {
    const settings = server.parts.installations.get(name)?.providers["voys"]?.settings;
    const { simulate } = providers["voys"] ?? {};
    const statuses: number[] = [];
    for (const request of simulate?.script(inboundCall("voys", { id, customer: known })) ?? []) {
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
    tokenRequests: () => requests().filter(({ kind }) => kind === "token").length,
    /** Whether the CRM was not told that we leave. */
    isConnected: () => !requests().some(({ kind }) => kind === "uninstall" || kind === "revoke"),
    /** Our clock, and the CRM's, go on; whatever waits for its time runs. */
    async later(ms: number): Promise<void> {
      clock.move(ms);
      await server.restart();
    },
    startWithKey: (other: string) => server.restartWith(options(other)),
    async stop(): Promise<void> {
      await server.stop();
      await world.emulator.stop();
    },
  };
}

type Side = { world: CrmWorld; app: object; revoke(): void; allow(): void; expire(): void };

async function hubspot(now: () => number): Promise<Side> {
  const { scopes = [], optionalScopes = [] } =
    readManifest().crms.find(({ id }) => id === "hubspot")?.oauth ?? {};
  const redirectUris = [`${publicUrl}/install/hubspot/callback`];
  const world = await hubspotWorld({
    now,
    app: { ...client, appId: 7, redirectUris, requiredScopes: scopes, optionalScopes },
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
