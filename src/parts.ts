import { existsSync } from "node:fs";
import { join } from "node:path";
import { connectors as registry } from "../connectors/index.ts";
import type { Config, InstallationConfig } from "./config.ts";
import type { ConnectorKind, Provider } from "./core/contracts.ts";
import type { Flow, Installation, Log } from "./flow/installation.ts";
import { addLanes } from "./flow/lanes.ts";
import { createLive } from "./flow/live.ts";
import { createRecordings } from "./flow/recordings.ts";
import { inProcessLanes } from "./lanes/in-process.ts";
import { watchMapping } from "./mapping/file.ts";
import { providers } from "./providers/index.ts";
import { createMetrics, type Metrics } from "./routes/metrics.ts";
import type { Store } from "./store/contract.ts";
import { openSqliteStore } from "./store/sqlite.ts";

/** Everything that runs, put together once. `start` begins the background work; without it nothing moves by itself. */
export type Parts = ReturnType<typeof assemble>;

/** `store` and `connectors` replace the usual ones, for tests and benchmarks. */
export type AssembleOptions = {
  log: Log;
  now?: () => number;
  store?: Store;
  connectors?: Readonly<Record<string, ConnectorKind>>;
};

/** The composition that the server, the commands and the tests share. */
export function assemble(config: Config, options: AssembleOptions) {
  const { log, now = Date.now, store: given, connectors = registry } = options;
  const live = createLive();
  const recordings = createRecordings(
    live.over(given ?? openSqliteStore(config.dataFolder, now)),
    config.publicUrl,
  );
  const { store } = recordings;
  const metrics = createMetrics(store, {
    installations: config.installations.map(({ name }) => name),
    providers: Object.keys(providers),
    now,
  });
  const flow: Flow = { store, now, log, meter: metrics.meter, recordingUrl: recordings.urlOf };
  const running = new Map(
    config.installations.map((settings) => [
      settings.name,
      connect(config, settings, { ...flow, asked: metrics.asked }, connectors[settings.crm.type]),
    ]),
  );
  const lanes = inProcessLanes({
    now,
    onError: (lane, error, againInMs) =>
      log.error({ lane, err: error, againInMs }, "background work failed; it goes on after a pause"),
  });
  const received = new Map<string, () => void>();
  const closing: (() => void)[] = [];

  return {
    config,
    flow,
    live,
    metrics,
    recordings,
    providers: providers as Readonly<Record<string, Provider>>,
    installations: new Map([...running].map(([name, { installation }]) => [name, installation])),
    mappingFiles: new Map([...running].map(([name, { mapping }]) => [name, mapping])),
    received: (name: string) => received.get(name)?.(),
    wake: (name: string) => lanes.wake(`${name}/deliver`),
    start() {
      for (const [name, { installation }] of running) {
        const lane = addLanes(flow, lanes, installation, providers);
        received.set(name, lane.received);
        closing.push(lane.stopWatching);
      }
      const purge = setInterval(() => void clean(flow, config), 3_600_000);
      closing.push(() => clearInterval(purge));
    },
    async stop() {
      for (const close of closing) close();
      await lanes.stop();
      for (const { installation, mapping } of running.values()) {
        mapping.close();
        await installation.connector.close?.();
      }
      await store.close();
    },
  };
}

function connect(
  config: Config,
  settings: InstallationConfig,
  { log, now, asked }: Flow & Pick<Metrics, "asked">,
  kind: ConnectorKind | undefined,
): { installation: Installation; mapping: MappingInUse } {
  const { name, crm, region } = settings;
  if (!kind) throw new Error(`no connector for ${crm.type}: the configuration check should have said so`);
  const mapping = useMapping(config, settings, log);
  const connector = kind.connect(crm, {
    installation: name,
    region,
    contactFields: () => mapping.current().contactFields,
    now,
    warn: (message) => log.warn({ installation: name, crm: crm.type }, message),
    onRequest: (request) => asked(name, crm.type, request),
  });
  const configured = Object.entries(settings.providers).map(([id, providerSettings]) => {
    const defaultAgent = (providerSettings as { defaultAgent?: string }).defaultAgent;
    return [
      id,
      {
        provider: providers[id] as Provider,
        settings: providerSettings,
        ...(defaultAgent && { defaultAgent }),
      },
    ] as const;
  });
  const installation: Installation = {
    settings,
    crm: crm.type,
    providers: Object.fromEntries(configured),
    connector,
    mapping: mapping.current,
  };
  return { installation, mapping };
}

export type MappingInUse = ReturnType<typeof useMapping>;

/** `savedPath`: where another mapping is to be saved. `reopen`: puts what was saved there into use; throws `ConfigError`. */
function useMapping(config: Config, settings: InstallationConfig, log: Log) {
  const { name, mappingFile, mappingIsDefault } = settings;
  const open = () =>
    watchMapping(mappingPath(config, settings), {
      onChange: () => log.info({ installation: name }, "mapping changed; it is used from now on"),
      onFault: (error) =>
        log.error(
          { installation: name, err: error },
          "the changed mapping is wrong; the one before stays in use",
        ),
    });
  let file = open();
  return {
    current: () => file.current(),
    path: () => mappingPath(config, settings),
    builtIn: () => mappingIsDefault && mappingPath(config, settings) === mappingFile,
    savedPath: mappingIsDefault ? savedMapping(config, name) : mappingFile,
    reopen() {
      const before = file;
      file = open();
      before.close();
    },
    close: () => file.close(),
  };
}

/** The mapping in use: one saved through the API wins over the built-in default, a path in the config file over both. */
export function mappingPath(config: Config, settings: InstallationConfig): string {
  const saved = savedMapping(config, settings.name);
  return settings.mappingIsDefault && existsSync(saved) ? saved : settings.mappingFile;
}

function savedMapping({ dataFolder }: Config, installation: string): string {
  return join(dataFolder, "mappings", `${installation}.json`);
}

async function clean({ store, now, log }: Flow, { retentionDays }: Config): Promise<void> {
  try {
    await store.purge(now(), now() - retentionDays * 86_400_000);
  } catch (error) {
    log.warn({ err: error }, "old deliveries could not be deleted");
  }
}
