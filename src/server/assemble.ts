import { join } from "node:path";
import { connectors as registry } from "../../connectors/index.ts";
import { openArchive } from "../archive/index.ts";
import type { Config } from "../config/index.ts";
import type { ConnectorKind, Provider } from "../core/contracts.ts";
import { Rejected } from "../core/errors.ts";
import type { Log } from "../core/runtime.ts";
import { listenToContacts } from "../flow/contacts/contact-events.ts";
import { createPreviews } from "../flow/explain/preview.ts";
import type { Flow, Installation } from "../flow/installation.ts";
import { createLimitedLog } from "../flow/limited-log.ts";
import { createRecordings } from "../flow/recordings/links.ts";
import type { InstallBody, Installed, Installer } from "../installations/installer.ts";
import { inProcessLanes } from "../lanes/in-process.ts";
import { readManifest } from "../manifest.ts";
import { providers } from "../providers/index.ts";
import { createBodyRoom } from "../routes/body-room.ts";
import type { Store } from "../store/contract.ts";
import { openSqliteStore } from "../store/sqlite.ts";
import { connect } from "./connect.ts";
import { openCrmRecordings } from "./crm-recordings.ts";
import { eraserOf, openErasing } from "./erasing.ts";
import { type ConnectedInstallation, openInstalled } from "./installed.ts";
import { addLanes } from "./lanes.ts";
import { createLive } from "./live.ts";
import { createMetrics } from "./metrics.ts";
import { watchStore } from "./store-watch.ts";

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
    installations: () => [...running.keys()],
    providers: Object.keys(providers),
    now,
  });
  const { urlOf: recordingUrl, transcriptUrlOf: transcriptUrl } = recordings;
  const limitedLog = createLimitedLog({
    now,
    log,
    isName: (word) => running.has(word) || Object.hasOwn(providers, word) || Object.hasOwn(connectors, word),
  });
  const flow: Flow = { store, now, log, limitedLog, meter: metrics.meter, recordingUrl, transcriptUrl };
  const archive =
    config.archive && openArchive(config.archive, { spoolFolder: join(config.dataFolder, "spool"), now });
  const running = new Map(
    config.installations.map((settings) => [
      settings.name,
      connect(config, settings, { ...flow, asked: metrics.asked }, { kind: connectors[settings.crm.type] }),
    ]),
  );
  const installed = openInstalled({ config, flow, metrics, kinds: connectors });
  const lanes = inProcessLanes({
    now,
    onError: (lane, error, againInMs) =>
      log.error({ lane, err: error, againInMs }, "background work failed; it goes on after a pause"),
  });
  const working = new Map<string, ReturnType<typeof addLanes>>();
  const closing: (() => void)[] = [];
  const installations = new Map([...running].map(([name, { installation }]) => [name, installation]));
  const crmRecordings = openCrmRecordings({
    config,
    flow,
    metrics,
    kinds: connectors,
    installed,
    installations,
  });
  const previews = createPreviews(flow);
  const mappingFiles = new Map([...running].map(([name, { mapping }]) => [name, mapping]));
  const listener = listenToContacts(flow, {
    installation: (name) => installations.get(name),
    matched: (name) => lanes.wake(`${name}/deliver`),
  });
  let started = false;
  let stopping = false;

  const begin = (name: string, installation: Installation): void => {
    working.set(name, addLanes(lanes, { flow, installation, providers, archive }));
  };

  /** The lanes of one end, and what it holds is let go. */
  const end = async (name: string, one: RunningInstallation | undefined): Promise<void> => {
    await working.get(name)?.stop();
    working.delete(name);
    one?.mapping.close();
    await one?.installation.connector.close?.();
  };

  const dismiss = async (name: string): Promise<void> => {
    const one = running.get(name);
    running.delete(name);
    installations.delete(name);
    mappingFiles.delete(name);
    await end(name, one);
  };

  const leave = (name: string) => dismiss(name).then(() => installed?.forget(name));
  const erasing = openErasing({ config, flow, dismiss: leave, archived: eraserOf(store, archive) });

  /**
   * One that was made by OAuth goes to work, in the place of what it was before: webhooks are taken all the time, and
   * nothing rests any more because of what the CRM said to the one before.
   */
  const employ = async ({ settings, keeper }: ConnectedInstallation): Promise<void> => {
    const { name } = settings;
    const before = running.get(name);
    const asked = { ...flow, asked: metrics.asked };
    const one = connect(config, settings, asked, { kind: connectors[settings.crm.type], keeper });
    running.set(name, one);
    installations.set(name, one.installation);
    mappingFiles.set(name, one.mapping);
    await end(name, before);
    if (started) begin(name, one.installation);
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
    mappingFiles,
    previews,
    installed,
    erasing,
    room: createBodyRoom(config.limits.bodiesBytes),
    /** After consent at a CRM. Throws `Rejected`. */
    async install(crm: string, given: Parameters<Installer["finish"]>[1]): Promise<Installed> {
      if (!installed) throw new Rejected(404, "nothing can be installed here: the config file names no app");
      const done = await installed.installer.finish(crm, given);
      const made = await installed.add(done);
      // They wait for a time that the CRM named when it still refused us.
      await store.hurry(done.install.name, now());
      await employ(made);
      if (started) crmRecordings.connected(crm);
      return done;
    },
    /** Other settings for an installation that was made by OAuth. Throws `ConfigError`, and `Rejected` for an old version. */
    async reset(name: string, { settings, version, by }: SettingsChange): Promise<void> {
      const made = await installedOrRefuse(installed, name).change(
        name,
        settings as InstallBody["settings"],
        version,
        by,
      );
      await employ(made);
    },
    /** Takes our access to the account back, and forgets its tokens. */
    async disconnect(name: string): Promise<void> {
      const all = installedOrRefuse(installed, name);
      // Nothing may ask for a token any more while our access is taken back.
      await dismiss(name);
      await all.disconnect(name).catch(async (error: unknown) => {
        const made = all.made(name);
        if (made) await employ(made);
        throw error;
      });
    },
    /** The installations that were made by OAuth. Throws `ConfigError`. */
    async load(): Promise<void> {
      for (const made of (await installed?.load()) ?? []) await employ(made);
    },
    /** What a CRM tells our app of contacts, in a body that was verified. Throws `Rejected`. */
    async hear(crm: string, body: Uint8Array): Promise<void> {
      for (const { name, events } of installed?.eventsIn(crm, body) ?? []) await listener.hear(name, events);
    },
    received: (name: string) => working.get(name)?.received(),
    wake: (name: string) => lanes.wake(`${name}/deliver`),
    start() {
      started = true;
      for (const [name, installation] of installations) begin(name, installation);
      const purge = setInterval(() => void clean(flow, config).then(erasing.run), 3_600_000);
      void erasing.run();
      const departures = installed?.watch();
      crmRecordings.start();
      const stopWatching = watchStore(flow, version);
      closing.push(
        stopWatching,
        () => clearInterval(purge),
        () => departures?.stop(),
        crmRecordings.stop,
      );
    },
    /** Says at `/readyz` that no more work is to be sent here, while open requests still get their answers. */
    announceStop: () => {
      stopping = true;
    },
    isStopping: () => stopping,
    async stop() {
      stopping = true;
      for (const close of closing) close();
      await listener.stop();
      await erasing.stop();
      for (const one of working.values()) void one.stop();
      await lanes.stop();
      for (const { installation, mapping } of running.values()) {
        mapping.close();
        await installation.connector.close?.();
      }
      await previews.close();
      await archive?.close?.();
      await store.close();
      limitedLog.flush();
    },
  };
}

/** Deliveries that were set aside are decoded again by another one. */
const { version } = readManifest().identity;

type RunningInstallation = ReturnType<typeof connect>;

/** `version`: of the settings that were read. `by`: who changes them, for the list of changes. */
export type SettingsChange = { settings: Record<string, unknown>; version: number; by: string };

type OAuthInstallations = NonNullable<ReturnType<typeof openInstalled>>;

function installedOrRefuse(installed: OAuthInstallations | undefined, name: string): OAuthInstallations {
  if (installed?.stateOf(name)) return installed;
  const why = "was not connected by OAuth: its settings are in the config file";
  throw new Rejected(404, `the installation ${JSON.stringify(name.slice(0, 40))} ${why}, or there is none`);
}

async function clean({ store, now, log }: Flow, { retentionDays }: Config): Promise<void> {
  try {
    await store.purge(now(), now() - retentionDays * 86_400_000);
  } catch (error) {
    log.warn({ err: error }, "old deliveries could not be deleted");
  }
}
