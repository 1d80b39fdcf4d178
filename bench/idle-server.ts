import { readFileSync } from "node:fs";
import { connectors } from "../connectors/index.ts";
import { createApp } from "../src/app.ts";
import { loadConfig } from "../src/config/index.ts";
import { providers } from "../src/providers/index.ts";
import { assemble } from "../src/server/assemble.ts";
import { listen } from "./listen.ts";

/** A whole server over a config file, as `npm start` runs it. Its parent asks for its CPU time and its memory. */
const started = performance.now();
const [file = "", dataFolder = "", databaseUrl = ""] = process.argv.slice(2);
const config = loadConfig(
  { file, text: readFileSync(file, "utf8") },
  {
    SWITCHHOOK_DATA: dataFolder,
    PORT: "0",
    ...(databaseUrl && { DATABASE_URL: databaseUrl }),
    SWITCHHOOK_ADMIN_TOKEN: "an admin token of the benchmark",
    SWITCHHOOK_KEY: "a sealing key of the benchmark that is long enough",
  },
  { providers, connectors },
  (path: string) => readFileSync(path, "utf8"),
);
const quiet = (): void => {};
const seen = new Set<string>();
const first = (facts: { err?: unknown; reason?: unknown }, text: string): void => {
  if (!seen.has(text)) console.error(`${text}: ${facts.err ?? facts.reason ?? ""}`);
  seen.add(text);
};
const parts = assemble(config, { log: { debug: quiet, info: quiet, warn: first, error: first } });
await parts.accounts.load();
const app = createApp(parts);
await parts.flow.store.ready();
await parts.start();
listen(app, started, () => {
  const { user, system } = process.cpuUsage();
  return {
    atMs: performance.now(),
    cpuMs: (user + system) / 1_000,
    rssMb: Math.round(process.memoryUsage.rss() / 1_048_576),
  };
});
