import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Config, InstallationConfig } from "../config/index.ts";
import type { ConnectorKind, Provider } from "../core/contracts.ts";
import type { Log } from "../core/runtime.ts";
import { createCallerSearch } from "../flow/contacts/caller-search.ts";
import type { Flow, Installation } from "../flow/installation.ts";
import type { GrantKeeper } from "../installations/grants.ts";
import { watchMapping } from "../mapping/file.ts";
import { providers } from "../providers/index.ts";
import type { Metrics } from "./metrics.ts";

type Connecting = {
  kind: ConnectorKind | undefined;
  /** Of an installation that was made by OAuth. */
  keeper?: Pick<GrantKeeper, "tokens" | "scopes">;
};

/** An installation at work, with its mapping. */
export function connect(
  config: Config,
  settings: InstallationConfig,
  { log, now, asked }: Flow & Pick<Metrics, "asked">,
  { kind, keeper }: Connecting,
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
    ...(keeper && { tokens: keeper.tokens, scopes: keeper.scopes }),
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

/** The mapping in use: one saved through the API wins over the built-in default, a path in the config file over both. */
export function mappingPath(config: Config, settings: InstallationConfig): string {
  const saved = savedMapping(config, settings.name);
  return settings.mappingIsDefault && existsSync(saved) ? saved : settings.mappingFile;
}

/** Where a mapping is saved that came through the API. */
export function savedMapping({ dataFolder }: Pick<Config, "dataFolder">, installation: string): string {
  return join(dataFolder, "mappings", `${installation}.json`);
}
