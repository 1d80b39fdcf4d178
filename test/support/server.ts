import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { connectors } from "../../connectors/index.ts";
import { createApp } from "../../src/app.ts";
import { loadConfig } from "../../src/config/index.ts";
import { isLoopbackUrl } from "../../src/core/loopback.ts";
import type { Log } from "../../src/core/runtime.ts";
import { providers } from "../../src/providers/index.ts";
import { assemble, type Parts } from "../../src/server/assemble.ts";
import { readCrm } from "./crm-files.ts";

export const publicUrl = "https://hooks.example.com";
/** Of a server whose test names none: what it asks of the API and the pages is asked as an administrator. */
const ownToken = "the-token-of-the-tests";

/** `settings` replaces settings of the installation `acme`; `also`: other ones; `file` is for the rest of the config file. */
export type ServerOptions = {
  contacts?: object[];
  owners?: object[];
  settings?: object;
  also?: object;
  file?: object;
  environment?: Record<string, string>;
  log?: Partial<Log>;
  now?: () => number;
};

type CrmFile = Record<"contacts" | "owners" | "activities" | "tasks", Record<string, unknown>[]>;

export type TestServer = Awaited<ReturnType<typeof startServer>>;

const defaultContacts = [
  { id: "1", name: "Asha Rao", phones: ["+91 98765 43210"], ownerId: "11", lifecycle: "customer" },
  { id: "2", name: "Piet de Vries", phones: ["06 12345678", "+31501234567"], ownerId: "12" },
];
const defaultOwners = [
  { id: "11", name: "Ravi Iyer", email: "ravi@example.com" },
  { id: "12", name: "Noor Bakker", email: "noor@example.com" },
];

const acme = {
  crm: { type: "local", file: "crm.json" },
  region: "NL",
  timeZone: "Europe/Amsterdam",
  settleSeconds: 0,
  reconcile: false,
  providers: {
    exotel: { secret: "exotel-secret" },
    voys: { secret: "voys-secret" },
    retell: { apiKey: "retell-secret", defaultAgent: "agent_front" },
    bird: { signingKey: "bird-secret" },
  },
  agents: [
    { email: "ravi@example.com", exotel: ["ravi"], voys: ["201"], bird: ["ravi"], retell: "agent_ravi" },
    { email: "noor@example.com", exotel: ["noor"], voys: ["202"], bird: ["noor"], retell: "agent_noor" },
  ],
};

/** A whole server on a free port, with an installation `acme` whose CRM is a file; everything in a folder of its own. */
export async function startServer(options: ServerOptions = {}) {
  const { contacts = defaultContacts, owners = defaultOwners } = options;
  const folder = mkdtempSync(join(tmpdir(), "switchhook-"));
  const crmFile = join(folder, "crm.json");
  mkdirSync(join(folder, "data"));
  writeFileSync(crmFile, JSON.stringify({ contacts, owners, activities: [] }, null, 2));
  let running = await run(options, folder);

  const stop = async (): Promise<void> => {
    running.server.closeAllConnections();
    await new Promise((closed) => running.server.close(closed));
    await running.parts.stop();
  };

  return {
    folder,
    crmFile,
    get url() {
      return running.url;
    },
    get parts() {
      return running.parts;
    },
    crm: () => readCrm<CrmFile>(crmFile),
    /** Stops and starts again on the same data. */
    async restart(meanwhile: () => void | Promise<void> = () => {}): Promise<void> {
      await stop();
      await meanwhile();
      running = await run(options, folder);
    },
    /** Stops, and starts on the same data with other options; when that fails, it is started again as it was. */
    async restartWith(other: ServerOptions): Promise<void> {
      await stop();
      try {
        running = await run(other, folder);
      } catch (error) {
        running = await run(options, folder);
        throw error;
      }
    },
    async stop(): Promise<void> {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function run({ settings, also, file, environment, log, now }: ServerOptions, folder: string) {
  const source = { publicUrl, installations: { acme: { ...acme, ...settings }, ...also }, ...file };
  const isLoopback = isLoopbackUrl(source.publicUrl);
  const config = loadConfig(
    { text: JSON.stringify(source), file: join(folder, "switchhook.json") },
    {
      SWITCHHOOK_DATA: join(folder, "data"),
      ...(!isLoopback && { SWITCHHOOK_ADMIN_TOKEN: ownToken }),
      ...environment,
    },
    { providers, connectors },
    (path) => readFileSync(path, "utf8"),
  );
  const silent: Log = { debug() {}, info() {}, warn() {}, error() {}, ...log };
  const parts = assemble(config, { log: silent, ...(now && { now }) });
  await parts.accounts.load();
  const server = createApp(parts);
  if (config.adminToken === ownToken) server.prependListener("request", askAsAdmin);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  await parts.start();
  const { port } = server.address() as AddressInfo;
  return { parts, server, url: `http://127.0.0.1:${port}` } satisfies Running;
}

function askAsAdmin({ url = "", headers }: IncomingMessage): void {
  if (/^\/(api\/|metrics|$)/.test(url)) headers.authorization ??= `Bearer ${ownToken}`;
}

type Running = { parts: Parts; server: Server; url: string };

/** Waits until `look` gives something, and returns it; throws with what it was waiting for after `seconds`. */
export async function waitFor<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  seconds = 30,
): Promise<T> {
  const deadline = performance.now() + seconds * 1000;
  while (performance.now() < deadline) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await pause(20);
  }
  throw new Error(`waited ${seconds} s for ${what}`);
}
