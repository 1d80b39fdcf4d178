import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Config, InstallationConfig } from "../config/index.ts";
import type { Connector, ConnectorKind } from "../core/crm.ts";
import type { CrmRequest } from "../core/crm-app.ts";
import type { Provider } from "../core/provider.ts";
import type { Log } from "../core/runtime.ts";
import { createCallerSearch } from "../flow/contacts/caller-search.ts";
import type { Flow, Installation } from "../flow/installation.ts";
import type { GrantKeeper } from "../installations/grants.ts";
import { createTurns } from "../lib/pace.ts";
import type { MappingFile } from "../mapping/file.ts";
import { providers } from "../providers/index.ts";

/** Access to an account that was connected by OAuth. */
export type GrantAccess = Pick<GrantKeeper, "tokens" | "scopes">;

type Connecting = {
  config: Config;
  settings: InstallationConfig;
  flow: Flow;
  kind: ConnectorKind | undefined;
  grants: GrantAccess | undefined;
  onRequest: (installation: string, crm: string, request: CrmRequest) => void;
  /** The part of the account's limits that this process may use. */
  share?: (isTold: boolean) => number;
  /** Called when it begins to hold a connector or a mapping. */
  opened: () => void;
};

/** An installation whose connector and mapping are made when they are used, and can be let go. */
export type Connected = {
  installation: Installation;
  mapping: MappingInUse;
  /** Calls back when contacts may have changed, while the connector is open. */
  watch(changed: () => void): void;
  /** Does work during which nothing is let go. */
  during<T>(work: () => Promise<T>): Promise<T>;
  isOpen(): boolean;
  /** For how long nothing has been used, in milliseconds; 0 while work is under way. */
  idleMs(): number;
  /** Makes a new connector at its next use: another instance may have worked with the account until now. */
  renew(): Promise<void>;
  /** Lets go of what it holds; the next use makes it again. */
  close(): Promise<void>;
};

/** Throws `ConfigError` when the mapping is faulty. */
export function connect(connecting: Connecting): Connected {
  const { config, settings, kind, grants, onRequest, opened, share } = connecting;
  const { log, now } = connecting.flow;
  const { name, crm, region } = settings;
  if (!kind) throw new Error(`no connector for ${crm.type}: the configuration check should have said so`);
  let [underWay, usedAt] = [0, performance.now()];
  const used = (): void => {
    usedAt = performance.now();
  };
  const mapping = useMapping(config, settings, { log, used, opened });
  let connector: Connector | undefined;
  let quietSince = now();
  let changed: (() => void) | undefined;
  let stopWatching: (() => void) | undefined;

  const watch = (): void => {
    if (changed) stopWatching ??= connector?.watch?.(changed);
  };

  const during: Connected["during"] = async (work) => {
    underWay += 1;
    try {
      return await work();
    } finally {
      underWay -= 1;
      used();
    }
  };

  const open = (): Connector => {
    const made = kind.connect(crm, {
      installation: name,
      region,
      contactFields: () => mapping.current().contactFields,
      now,
      quietSince,
      warn: (message) => log.warn({ installation: name, crm: crm.type }, message),
      onRequest: (request) => onRequest(name, crm.type, request),
      ...(share && { share }),
      ...(grants && { tokens: grants.tokens, scopes: grants.scopes }),
    });
    connector = counted(made, during);
    watch();
    opened();
    return connector;
  };

  const closeConnector = async (): Promise<void> => {
    const before = connector;
    connector = undefined;
    if (before) quietSince = now();
    stopWatching?.();
    stopWatching = undefined;
    await before?.close?.();
  };

  const configured = Object.entries(settings.providers).map(([id, providerSettings]) => {
    const { defaultAgent, chatAgent } = providerSettings as { defaultAgent?: string; chatAgent?: string };
    return [
      id,
      {
        provider: providers[id] as Provider,
        settings: providerSettings,
        ...(defaultAgent && { defaultAgent }),
        ...(chatAgent && { chatAgent }),
      },
    ] as const;
  });
  const installation: Installation = {
    settings,
    crm: crm.type,
    providers: Object.fromEntries(configured),
    get connector() {
      used();
      return connector ?? open();
    },
    callers: createCallerSearch(),
    indexing: createTurns(),
    mapping: mapping.current,
  };
  return {
    installation,
    mapping,
    watch(callback) {
      changed = callback;
      watch();
    },
    during,
    isOpen: () => connector !== undefined || mapping.isOpen(),
    idleMs: () => (underWay > 0 ? 0 : performance.now() - usedAt),
    async renew() {
      quietSince = now();
      await closeConnector();
    },
    async close() {
      mapping.close();
      await closeConnector();
    },
  };
}

/** The connector, with its requests counted as work under way. */
function counted(connector: Connector, during: Connected["during"]): Connector {
  const members = Object.entries(connector).map(([name, member]: [string, unknown]) => {
    if (typeof member !== "function" || name === "watch" || name === "close") return [name, member];
    return [name, (...given: unknown[]) => during(async () => member(...given))];
  });
  return Object.fromEntries(members) as Connector;
}

export type MappingInUse = ReturnType<typeof useMapping>;

type MappingContext = { log: Log; used: () => void; opened: () => void };

/**
 * `savedPath`: where a mapping from the API is saved. `reopen`: uses what was saved there; throws `ConfigError`. After
 * `close` the file is read again at the next use; the newest valid version takes the place of a faulty one.
 */
function useMapping(config: Config, settings: InstallationConfig, { log, used, opened }: MappingContext) {
  const { name, mappingFile, mappingIsDefault } = settings;
  const open = (resume: boolean) => {
    const opening = config.mappings.watch(
      mappingPath(config, settings),
      {
        onChange: () => log.info({ installation: name }, "mapping changed; it is used from now on"),
        onFault: (error) =>
          log.error(
            { installation: name, err: error },
            "the changed mapping is wrong; the one before stays in use",
          ),
      },
      { resume },
    );
    opened();
    return opening;
  };
  // The configuration check has read the file that the settings name, but not one that was saved.
  if (mappingPath(config, settings) !== mappingFile) config.mappings.read(mappingPath(config, settings));
  let file: MappingFile | undefined;
  const inUse = (): MappingFile => {
    used();
    file ??= open(true);
    return file;
  };
  return {
    current: () => inUse().current(),
    text: () => inUse().text(),
    path: () => mappingPath(config, settings),
    builtIn: () => mappingIsDefault && mappingPath(config, settings) === mappingFile,
    isSavedByApi: mappingIsDefault,
    savedPath: mappingIsDefault ? savedMapping(config, name) : mappingFile,
    isOpen: () => file !== undefined,
    reopen() {
      const before = file;
      file = open(false);
      before?.close();
    },
    close() {
      file?.close();
      file = undefined;
    },
  };
}

/** The mapping in use: a path in the config file, else one saved through the API, else the built-in default. */
export function mappingPath(config: Config, settings: InstallationConfig): string {
  const saved = savedMapping(config, settings.name);
  return settings.mappingIsDefault && existsSync(saved) ? saved : settings.mappingFile;
}

/** Where a mapping from the API is saved. */
export function savedMapping({ dataFolder }: Pick<Config, "dataFolder">, installation: string): string {
  return join(dataFolder, "mappings", `${installation}.json`);
}
