import { join } from "node:path";
import { connectors as registry } from "../../connectors/index.ts";
import { openArchive } from "../archive/index.ts";
import type { Config } from "../config/index.ts";
import type { ConnectorKind } from "../core/crm.ts";
import type { Provider } from "../core/provider.ts";
import type { Log } from "../core/runtime.ts";
import { createPreviews } from "../flow/explain/preview.ts";
import type { Flow } from "../flow/installation.ts";
import { createLimitedLog } from "../flow/limited-log.ts";
import { createRecordings } from "../flow/recordings/links.ts";
import { createBodyRoom } from "../lib/body-room.ts";
import { providers } from "../providers/index.ts";
import type { Store } from "../store/contract.ts";
import { openSqliteStore } from "../store/sqlite/store.ts";
import { createAccounts } from "./accounts.ts";
import { startChores } from "./chores.ts";
import { openCrmRecordings } from "./crm-recordings.ts";
import { eraserOf, openErasing } from "./erasing.ts";
import { openInstalled } from "./installed.ts";
import { createLive } from "./live.ts";
import { createMetrics } from "./metrics.ts";
import { createRoster, type Roster } from "./roster.ts";

/** Everything that runs. `start` begins the background work; without it nothing moves by itself. */
export type Parts = ReturnType<typeof assemble>;

export type AssembleOptions = {
  log: Log;
  now?: () => number;
  /** In place of the embedded store, for tests and benchmarks. */
  store?: Store;
  /** In place of the usual connectors, for tests and benchmarks. */
  connectors?: Readonly<Record<string, ConnectorKind>>;
};

/** The composition that the server, the commands and the tests share. */
export function assemble(config: Config, options: AssembleOptions) {
  const { log, now = Date.now, connectors: kinds = registry } = options;
  const { store = openSqliteStore(config.dataFolder, now) } = options;
  const live = createLive();
  const recordings = createRecordings(store, config.publicUrl);
  const metrics = createMetrics(store, { providers: Object.keys(providers), now });
  const isName = (word: string): boolean =>
    roster.installations.has(word) || Object.hasOwn(providers, word) || Object.hasOwn(kinds, word);
  const limitedLog = createLimitedLog({ now, log, isName });
  const { meter, crmRequest: onRequest } = metrics;
  const runtime = { now, log, limitedLog, meter, links: recordings.links, publish: live.publish };
  const flow: Flow = { ...runtime, store, pendingAnswers: new Map() };
  const archive =
    config.archive && openArchive(config.archive, { spoolFolder: join(config.dataFolder, "spool"), now });
  const roster = createRoster({ config, flow, kinds, providers, archive, onRequest });
  const { installations, received, wake } = roster;
  const installed = openInstalled({ config, flow, onRequest, kinds });
  const crmRecordings = openCrmRecordings({ config, flow, onRequest, kinds, installed, installations });
  const accounts = createAccounts({ flow, roster, installed, crmRecordings, wake });
  const remove = (name: string) => roster.remove(name).then(() => installed?.forget(name));
  const erasing = openErasing({ config, flow, remove, archived: eraserOf(store, archive) });
  const previews = createPreviews(flow);
  const chores = () => startChores({ config, flow, installed, erasing, crmRecordings });
  const close = async (): Promise<void> => {
    await accounts.stop();
    await erasing.stop();
    await roster.stop();
    await previews.close();
    await archive?.close?.();
    await store.close();
    limitedLog.flush();
  };
  return {
    config,
    flow,
    live,
    metrics,
    recordings,
    archive,
    crmRecordings,
    providers: providers as Readonly<Record<string, Provider>>,
    installations,
    mappings: roster.mappings,
    previews,
    installed,
    erasing,
    accounts,
    room: createBodyRoom(config.limits.bodiesBytes),
    received,
    wake,
    ...createLifecycle({ roster, chores, close }),
  };
}

type LifecycleContext = { roster: Roster; chores: () => () => void; close: () => Promise<void> };

function createLifecycle({ roster, chores, close }: LifecycleContext) {
  let isStopping = false;
  let stopChores = (): void => {};
  return {
    start(): void {
      roster.start();
      stopChores = chores();
    },
    /** From now on `/readyz` says that no more work is to be sent here; open requests still get their answers. */
    announceStop: (): void => {
      isStopping = true;
    },
    isStopping: (): boolean => isStopping,
    /** Resolves when no work is under way and the store is closed. */
    async stop(): Promise<void> {
      isStopping = true;
      stopChores();
      await close();
    },
  };
}
