import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { createSealer } from "../../src/lib/seal.ts";
import { providers } from "../../src/providers/index.ts";
import { inboundCall } from "../support/calls.ts";
import { type CrmWorld, hubspotWorld, salesforceWorld } from "../support/crm-worlds.ts";
import { publicUrl, startServer, type TestServer, waitFor } from "../support/server.ts";

const key = "a sealing key that is long enough to be one";
const client = { clientId: "our-app", clientSecret: "our-app-secret-of-the-test" };
const many = 60;

type Account = { name: string; crm: "hubspot" | "salesforce"; token: string; world: CrmWorld };

/** One API for all accounts, as the real CRMs have; the access token says whose account it is. */
async function startFront(accounts: readonly Account[]): Promise<string> {
  const front = createServer(async (request, response) => {
    const { method = "GET", url = "/", headers } = request;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const account = accounts.find(({ token }) => headers.authorization === `Bearer ${token}`);
    if (!account) return response.writeHead(503).end();
    const answer = await fetch(`${account.world.emulator.url}${url}`, {
      method,
      headers: {
        authorization: headers.authorization ?? "",
        "content-type": headers["content-type"] ?? "application/json",
      },
      ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
    }).catch(() => undefined);
    if (!answer) return response.writeHead(503).end();
    const body = Buffer.from(await answer.arrayBuffer());
    const type = answer.headers.get("content-type") ?? "application/json";
    return response.writeHead(answer.status, { "content-type": type }).end(body);
  });
  await new Promise<void>((listening) => front.listen(0, "127.0.0.1", listening));
  onTestFinished(() => {
    front.closeAllConnections();
    front.close();
  });
  return `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
}

async function startAccounts(): Promise<Account[]> {
  const started = Array.from({ length: many }, async (_, i): Promise<Account> => {
    const [crm, token] =
      i % 2 ? (["hubspot", `hubspot-${i}`] as const) : (["salesforce", `sf-${i}`] as const);
    const world =
      crm === "hubspot" ? await hubspotWorld({ token }) : await salesforceWorld({ accessToken: token });
    onTestFinished(() => world.emulator.stop());
    return { name: `${crm}-${i}`, crm, token, world };
  });
  return Promise.all(started);
}

async function startWith(accounts: readonly Account[]): Promise<TestServer> {
  const url = await startFront(accounts);
  const apps = { hubspot: { ...client, apiUrl: url }, salesforce: { ...client, loginUrl: url } };
  const server = await startServer({ file: { apps }, environment: { SWITCHHOOK_KEY: key } });
  onTestFinished(() => server.stop());
  const sealer = createSealer([key]);
  for (const { name, crm, token } of accounts) {
    const grant = { accessToken: token, refreshToken: `refresh-${token}`, url, scopes: [] };
    const settings = {
      ...{ region: "NL", timeZone: "UTC", settleSeconds: 0 },
      providers: { voys: { secret: `secret-of-${name}` } },
    };
    await server.parts.flow.store.saveInstall({
      ...{ name, crm, account: name, state: "active", version: 1, updatedAt: 1 },
      body: JSON.stringify({ account: { id: name, name }, scopes: [], changes: [], settings }),
      sealed: sealer.seal(JSON.stringify(grant), name),
    });
  }
  await server.restart();
  return server;
}

/** A whole call to an installation, with the secret of one. */
async function send(server: TestServer, name: string, id: string, secretOf = name): Promise<Set<number>> {
  const simulate = providers["voys"]?.simulate;
  const statuses = new Set<number>();
  for (const request of simulate?.script(inboundCall("voys", { id, customer: "+31687654321" })) ?? []) {
    const settings = { secret: [`secret-of-${secretOf}`] } as never;
    const url = `${publicUrl}/webhooks/${name}/voys`;
    const { method, headers, body, query } =
      simulate?.sign(request, settings, { now: Date.now(), url }) ?? request;
    const target = `${server.url}/webhooks/${name}/voys?${query}`;
    statuses.add((await fetch(target, { method, headers, body: Buffer.from(body) })).status);
  }
  return statuses;
}

test("sixty installations in one process have nothing of each other", { timeout: 120_000 }, async () => {
  const accounts = await startAccounts();
  const server = await startWith(accounts);
  const [limited, away, ...others] = accounts;
  if (!limited || !away) throw new Error("no accounts");
  limited.world.emulator.faults.add({ type: "status", status: 429, headers: { "retry-after": "3600" } });
  away.world.emulator.faults.add({ type: "status", status: 401 });
  for (const { name } of accounts) {
    const [first] = await Promise.all([send(server, name, `a-${name}`), send(server, name, `b-${name}`)]);
    expect([name, ...first]).toEqual([name, 200]);
  }
  await waitFor("the calls", () => others.every(({ world }) => world.calls().length === 2), 60);
  for (const { name, world } of others) {
    const keys = world.calls().map((call) => call.key);
    expect(keys.sort()).toEqual([`${name}:voys:a-${name}`, `${name}:voys:b-${name}`]);
  }
  expect([limited, away].flatMap(({ world }) => world.calls())).toEqual([]);
  for (const [i, { name }] of others.entries()) {
    const neighbour = others[(i + 1) % others.length]?.name ?? "";
    expect([...(await send(server, name, "stolen", neighbour))]).toEqual([401]);
  }
  const one = others[0]?.name ?? "";
  const settings = { region: "IN", timeZone: "UTC", providers: { voys: { secret: "another" } } };
  await server.parts.reset(one, { settings, version: 1, by: "test" });
  for (const { name } of accounts) {
    const { region } = server.parts.installations.get(name)?.settings ?? {};
    expect([name, region]).toEqual([name, name === one ? "IN" : "NL"]);
  }
});
