import { createHash } from "node:crypto";
import { join } from "node:path";
import { connectors as registry } from "../../connectors/index.ts";
import { createAccess } from "../access/index.ts";
import { openArchive } from "../archive/index.ts";
import type { Config } from "../config/index.ts";
import type { ConnectorKind } from "../core/crm.ts";
import type { Provider } from "../core/provider.ts";
import type { Log, Runtime } from "../core/runtime.ts";
import { createPreviews } from "../flow/explain/preview.ts";
import { type BulkRetries, createBulkRetries } from "../flow/failures/bulk-retry.ts";
import type { Flow } from "../flow/installation.ts";
import { createLimitedLog } from "../flow/limited-log.ts";
import { createRecordings } from "../flow/recordings/links.ts";
import { createTestWebhooks } from "../flow/webhooks/test-webhook.ts";
import { openTenancies } from "../instances/tenancies.ts";
import { createBodyRoom } from "../lib/body-room.ts";
import { providers } from "../providers/index.ts";
import type { SharedChange, Store } from "../store/contract.ts";
import { createAccounts } from "./accounts.ts";
import { startChores } from "./chores.ts";
import { openCrmRecordings } from "./crm-recordings.ts";
import { eraserOf, openErasing } from "./erasing.ts";
import { openInstalled } from "./installed.ts";
import { createLive } from "./live.ts";
import { createMetrics } from "./metrics.ts";
import { openStore } from "./open-store.ts";
import { createRefusalNotes } from "./refused-webhooks.ts";
import { createRoster, type Roster, type RosterHooks } from "./roster.ts";
import { followMappings } from "./shared-mappings.ts";

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
  const { store = openStore(config, now) } = options;
  const { shared } = store;
  const live = createLive();
  const recordings = createRecordings(store, config.publicUrl);
  const metrics = createMetrics(store, {
    providers: Object.keys(providers),
    now,
    instances: () => roster.tenancies?.counts(),
  });
  const isName = (word: string): boolean =>
    roster.installations.has(word) || Object.hasOwn(providers, word) || Object.hasOwn(kinds, word);
  const publish: Runtime["publish"] = (calls) => {
    live.publish(calls);
    roster.tenancies?.publish(calls);
  };
  const limitedLog = createLimitedLog({ now, log, isName });
  const { meter, crmRequest: onRequest } = metrics;
  const runtime = { now, log, limitedLog, meter, links: recordings.links, publish };
  const flow: Flow = { ...runtime, store, pendingAnswers: new Map() };
  const archive =
    config.archive && openArchive(config.archive, { spoolFolder: join(config.dataFolder, "spool"), now });
  const follow = async ({ what, name }: SharedChange): Promise<void> => {
    if (what === "installs") await accounts.follow(name);
    else await mappings?.follow(name);
  };
  const joining =
    shared &&
    ((hooks: RosterHooks) => {
      const all = {
        ...hooks,
        lead: () => leading.begin(),
        follow: () => leading.end(),
        changed: follow,
        live,
      };
      return openTenancies({
        shared,
        hooks: all,
        log,
        limitedLog,
        places: config.limits.tenancies,
        config: fingerprintOf(config),
      });
    });
  const roster = createRoster({ config, flow, kinds, providers, archive, onRequest, join: joining });
  const { installations, received, wake } = roster;
  const installed = openInstalled({ config, flow, onRequest, kinds });
  const crmRecordings = openCrmRecordings({ config, flow, onRequest, kinds, installed, installations });
  const accounts = createAccounts({ flow, roster, installed, crmRecordings });
  const remove = (name: string) => roster.remove(name).then(() => installed?.forget(name));
  const erasing = openErasing({ config, flow, remove, archived: eraserOf(store, archive) });
  const previews = createPreviews(flow);
  const bulkRetries = createBulkRetries({ flow, installations, wake });
  const refusals = createRefusalNotes(flow);
  const testWebhooks = createTestWebhooks(flow);
  const access = createAccess({
    store,
    now,
    log,
    warnSeldom: (facts, sentence) => limitedLog.seldom("warn", facts, sentence),
    countRefused: metrics.adminRefused,
    publicUrl: config.publicUrl,
    adminToken: config.adminToken,
    oidc: config.signIn.oidc,
    crms: installed?.installer.crms ?? new Map(),
    contextOf: (crm) => ({ now, onRequest: (request) => onRequest("sign-in", crm, request) }),
  });
  const mappings = shared && followMappings({ config, shared, mappings: roster.mappings });
  const leading = createLeading(roster, bulkRetries, () =>
    startChores({ config, flow, installed, erasing, crmRecordings }),
  );
  const load = async (): Promise<void> => {
    await mappings?.load();
    await accounts.load();
  };
  const close = async (): Promise<void> => {
    await erasing.stop();
    await roster.stop();
    await previews.close();
    await refusals.stop();
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
    bulkRetries,
    refusals,
    testWebhooks,
    installed,
    access,
    erasing,
    accounts: { ...accounts, load },
    room: createBodyRoom(config.limits.bodiesBytes),
    received,
    wake,
    catchUp: roster.tenancies?.catchUp,
    ...createLifecycle({ roster, leading, close }),
  };
}

/** Paths differ from machine to machine, and the rest of the configuration is to be the same. */
function fingerprintOf(config: Config): string {
  const { publicUrl, installations, apps, signIn, retentionDays, removedDays, auditDays } = config;
  const shared = [publicUrl, installations, apps, signIn, retentionDays, removedDays, auditDays];
  const text = JSON.stringify(shared, (name, value: unknown) => (name === "mappingFile" ? undefined : value));
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/** What is done once for all installations: the sweep, the chores, and retries of many calls. Of several instances, one does it. */
function createLeading(roster: Roster, bulkRetries: BulkRetries, chores: () => () => void) {
  let stopChores: (() => void) | undefined;
  return {
    begin(): void {
      roster.startSweep();
      stopChores = chores();
      bulkRetries.start();
    },
    async end(): Promise<void> {
      stopChores?.();
      stopChores = undefined;
      await bulkRetries.stop();
      await roster.stopSweep();
    },
  };
}

type LifecycleContext = {
  roster: Roster;
  leading: ReturnType<typeof createLeading>;
  close: () => Promise<void>;
};

function createLifecycle({ roster, leading, close }: LifecycleContext) {
  let isStopping = false;
  return {
    /** Resolves once this instance has found the others, where there are any. */
    async start(): Promise<void> {
      roster.start();
      if (roster.tenancies) await roster.tenancies.start();
      else leading.begin();
    },
    /** From now on `/readyz` says that no more work is to be sent here; open requests still get their answers. */
    announceStop: (): void => {
      isStopping = true;
    },
    isStopping: (): boolean => isStopping,
    /** Resolves when no work is under way and the store is closed. */
    async stop(): Promise<void> {
      isStopping = true;
      await roster.tenancies?.stop();
      await leading.end();
      await close();
    },
  };
}
