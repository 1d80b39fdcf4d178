import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Config, InstallationConfig } from "../config/index.ts";
import type { ConnectorKind } from "../core/crm.ts";
import type { CrmRequest } from "../core/crm-app.ts";
import type { Provider } from "../core/provider.ts";
import type { Log } from "../core/runtime.ts";
import { createCallerSearch } from "../flow/contacts/caller-search.ts";
import type { Flow, Installation } from "../flow/installation.ts";
import type { GrantKeeper } from "../installations/grants.ts";
import { watchMapping } from "../mapping/file.ts";
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
};

/** An installation at work, with its mapping. */
export function connect(connecting: Connecting): { installation: Installation; mapping: MappingInUse } {
  const { config, settings, kind, grants, onRequest } = connecting;
  const { log, now } = connecting.flow;
  const { name, crm, region } = settings;
  if (!kind) throw new Error(`no connector for ${crm.type}: the configuration check should have said so`);
  const mapping = useMapping(config, settings, log);
  const connector = kind.connect(crm, {
    installation: name,
    region,
    contactFields: () => mapping.current().contactFields,
    now,
    warn: (message) => log.warn({ installation: name, crm: crm.type }, message),
    onRequest: (request) => onRequest(name, crm.type, request),
    ...(grants && { tokens: grants.tokens, scopes: grants.scopes }),
  });
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
    connector,
    callers: createCallerSearch(),
    mapping: mapping.current,
  };
  return { installation, mapping };
}

export type MappingInUse = ReturnType<typeof useMapping>;

/** `savedPath`: where a mapping from the API is saved. `reopen`: uses what was saved there; throws `ConfigError`. */
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
    text: () => file.text(),
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

/** The mapping in use: a path in the config file, else one saved through the API, else the built-in default. */
export function mappingPath(config: Config, settings: InstallationConfig): string {
  const saved = savedMapping(config, settings.name);
  return settings.mappingIsDefault && existsSync(saved) ? saved : settings.mappingFile;
}

/** Where a mapping from the API is saved. */
export function savedMapping({ dataFolder }: Pick<Config, "dataFolder">, installation: string): string {
  return join(dataFolder, "mappings", `${installation}.json`);
}
