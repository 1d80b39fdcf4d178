import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll } from "vitest";
import type { InstallBody } from "../../src/installations/installer.ts";
import { inParts } from "../../src/lib/pace.ts";
import { createSealer } from "../../src/lib/seal.ts";
import { providers } from "../../src/providers/index.ts";
import { inboundCall } from "../support/calls.ts";
import { type Clock, createClock } from "../support/crm-turns.ts";
import { type CrmWorld, hubspotWorld, salesforceWorld } from "../support/crm-worlds.ts";
import { publicUrl, startServer, type TestServer } from "../support/server.ts";

const key = "a sealing key that is long enough to be one";
const client = { clientId: "our-app", clientSecret: "our-app-secret-of-the-test" };
const atOnce = 20;

/** The same caller is known to every account, by another name in each. */
export const caller = "+31687654321";
export const sealer = createSealer([key]);

export type Account = {
  name: string;
  crm: "hubspot" | "salesforce";
  token: string;
  secret: string;
  callerName: string;
  world: CrmWorld;
};

/** Accounts of both CRMs by turns, each with contacts of its own. */
export async function startAccounts(many: number): Promise<Account[]> {
  const started = Array.from({ length: many }, async (_, i): Promise<Account> => {
    const crm = i % 2 ? "hubspot" : "salesforce";
    const name = `${crm}-${i}`;
    const token = `token-of-${name}`;
    const world =
      crm === "hubspot" ? await hubspotWorld({ token }) : await salesforceWorld({ accessToken: token });
    afterAll(() => world.emulator.stop());
    const callerName = `Vera of ${name}`;
    world.addContact({ name: callerName, phone: caller });
    return { name, crm, token, secret: `secret-of-${name}`, callerName, world };
  });
  return Promise.all(started);
}

/** One API for all accounts, as the real CRMs have; the access token says whose account it is. */
export async function startFront(
  accounts: readonly Account[],
): Promise<{ url: string; open(): Promise<number> }> {
  const byToken = new Map(accounts.map((account) => [`Bearer ${account.token}`, account]));
  const front = createServer(async (request, response) => {
    const { method = "GET", url = "/", headers } = request;
    const { authorization = "", "content-type": type = "application/json" } = headers;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const account = byToken.get(authorization);
    if (!account) return response.writeHead(503).end();
    const answer = await fetch(`${account.world.emulator.url}${url}`, {
      method,
      headers: { authorization, "content-type": type },
      ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
    }).catch(() => undefined);
    if (!answer) return response.writeHead(503).end();
    const body = Buffer.from(await answer.arrayBuffer());
    const kept = [...answer.headers].filter(([name]) => /^(content-type|retry-after|.*limit.*)$/.test(name));
    return response.writeHead(answer.status, Object.fromEntries(kept)).end(body);
  });
  await new Promise<void>((listening) => front.listen(0, "127.0.0.1", listening));
  afterAll(() => {
    front.closeAllConnections();
    front.close();
  });
  return {
    url: `http://127.0.0.1:${(front.address() as AddressInfo).port}`,
    open: () => connectionsOf(front),
  };
}

function connectionsOf(server: Server): Promise<number> {
  return new Promise((told, failed) =>
    server.getConnections((error, count) => (error ? failed(error) : told(count))),
  );
}

export const settingsWith = (secret: string) => ({
  ...{ region: "NL", timeZone: "UTC", settleSeconds: 0 },
  providers: { voys: { secret } },
});

/** A server where all of them are installed, on a clock that can be moved. Whoever asks for it stops it. */
export async function startWith(
  accounts: readonly Account[],
  url: string,
): Promise<{ server: TestServer; clock: Clock }> {
  const apps = { hubspot: { ...client, apiUrl: url }, salesforce: { ...client, loginUrl: url } };
  const clock = createClock();
  const server = await startServer({
    file: { apps },
    environment: { SWITCHHOOK_KEY: key },
    now: clock.now,
  });
  for (const { name, crm, token, secret } of accounts) {
    const grant = { accessToken: token, refreshToken: `refresh-${token}`, url, scopes: [] };
    const settings = settingsWith(secret);
    const body: InstallBody = { account: { id: name, name }, scopes: [], changes: [], settings };
    await server.parts.flow.store.saveInstall({
      ...{ name, crm, account: name, state: "active", version: 1, updatedAt: Date.now() },
      body: JSON.stringify(body),
      sealed: sealer.seal(JSON.stringify(grant), name),
    });
  }
  await server.restart();
  return { server, clock };
}

/** Does something with each, some at once. */
export async function forEach<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  for (const part of inParts(all, atOnce)) await Promise.all(part.map(work));
}

/** A whole call of the caller to an installation, signed with a secret. Gives the statuses that were answered. */
export async function sendCall(
  server: TestServer,
  { name, secret }: Pick<Account, "name" | "secret">,
  id: string,
): Promise<number[]> {
  const { simulate } = providers["voys"] ?? {};
  const statuses = new Set<number>();
  for (const request of simulate?.script(inboundCall("voys", { id, customer: caller })) ?? []) {
    const settings = { secret: [secret] } as never;
    const url = `${publicUrl}/webhooks/${name}/voys`;
    const { method, headers, body, query } =
      simulate?.sign(request, settings, { now: Date.now(), url }) ?? request;
    const target = `${server.url}/webhooks/${name}/voys?${query}`;
    const answer = await fetch(target, { method, headers, body: Buffer.from(body) });
    await answer.arrayBuffer();
    statuses.add(answer.status);
  }
  return [...statuses];
}
