import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connectors } from "../connectors/index.ts";
import { createApp } from "../src/app.ts";
import { loadConfig } from "../src/config/index.ts";
import type { ConnectorKind } from "../src/core/crm.ts";
import type { Log } from "../src/core/runtime.ts";
import { providers } from "../src/providers/index.ts";
import { assemble } from "../src/server/assemble.ts";
import { listen } from "./listen.ts";

/** What the parent asks for. `lanes`: decode, fold and deliver behind the door. `crm`: `hangs` never answers; or settings. */
export type ServerOptions = {
  folder: string;
  lanes: boolean;
  crm: "local" | "hangs" | { type: string; [setting: string]: unknown };
  keep?: boolean;
  /** Of a PostgreSQL; absent = the embedded store. */
  databaseUrl?: string;
};

/**
 * What a sample says. `lagMs`: how long the oldest thing has waited beyond its time to be decoded or saved.
 * `undone`: what is still to be decoded or saved, due or not. `synced`: the contact index is complete.
 */
export type Sample = { rssMb: number; lagMs: number; undone: number; synced: boolean };

const options = JSON.parse(process.argv[2] ?? "{}") as ServerOptions;
if (!options.keep) rmSync(options.folder, { recursive: true, force: true });
mkdirSync(options.folder, { recursive: true });
const crmFile = join(options.folder, "crm.json");
if (!options.keep) {
  const contacts = Array.from({ length: 3_000 }, (_, i) => ({
    id: String(i + 1),
    name: `Customer ${i}`,
    phones: [`+1415555${String(i).padStart(4, "0")}`],
    ownerId: String((i % 4) + 1),
  }));
  const owners = Array.from({ length: 4 }, (_, i) => ({
    id: String(i + 1),
    name: `Owner ${i + 1}`,
    email: `owner${i + 1}@example.com`,
  }));
  writeFileSync(crmFile, JSON.stringify({ contacts, owners, activities: [] }));
}

const hanging: ConnectorKind = {
  ...(connectors["local"] as ConnectorKind),
  connect: () => ({
    batchSize: 100,
    findContacts: () => new Promise(() => {}),
    saveCalls: () => new Promise(() => {}),
  }),
};
const config = loadConfig(
  {
    file: join(options.folder, "switchhook.json"),
    text: JSON.stringify({
      installations: {
        bench: {
          crm: typeof options.crm === "object" ? options.crm : { type: "local", file: "crm.json" },
          providers: { retell: { apiKey: "bench-retell-key", defaultAgent: "agent_default" } },
          region: typeof options.crm === "object" ? "NL" : "US",
          timeZone: "UTC",
          settleSeconds: 1,
          reconcile: false,
          agents: [{ email: "owner1@example.com", retell: "agent_owner1" }],
        },
      },
    }),
  },
  {
    SWITCHHOOK_DATA: options.folder,
    PORT: "0",
    ...(options.databaseUrl && { DATABASE_URL: options.databaseUrl }),
  },
  { providers, connectors },
  (path: string) => readFileSync(path, "utf8"),
);
const quiet = (): void => {};
const log: Log = {
  debug: quiet,
  info: quiet,
  warn: (facts, text) => console.error(text, facts),
  error: (facts, text) => console.error(text, facts),
};
const started = performance.now();
const parts = assemble(config, { log, ...(options.crm === "hangs" && { connectors: { local: hanging } }) });
const app = createApp(parts);
await parts.flow.store.ready();
if (options.lanes) await parts.start();
listen(app, started, sample);

async function sample(): Promise<Sample> {
  const { store } = parts.flow;
  const [oldest] = await store.newDeliveries("bench", 1);
  const due = await store.nextDue("bench");
  const now = Date.now();
  const waits = [oldest ? now - Date.parse(oldest.receivedAt) : 0, due === undefined ? 0 : now - due];
  const undone = Number(oldest !== undefined) + Number(due !== undefined);
  const synced = (await store.syncState("bench")).finishedAt !== undefined;
  const rssMb = Math.round(process.memoryUsage.rss() / 1_048_576);
  return { synced, rssMb, lagMs: Math.max(0, ...waits), undone };
}
