import { existsSync, readFileSync } from "node:fs";
import { connectors } from "../../connectors/index.ts";
import { type Config, loadConfig } from "../config/index.ts";
import { ConfigError, messageOf } from "../core/errors.ts";
import { providers } from "../providers/index.ts";
import type { GlobalOptions } from "./output.ts";

const defaultFile = "switchhook.json";

/** `file`: the config file; absent = the demo. */
export type ReadConfig = { config: Config; file?: string };

/** The configuration of this process: options before environment before file. Throws `ConfigError`. */
export function readConfig(
  options: GlobalOptions,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): ReadConfig {
  const effective: Readonly<Record<string, string | undefined>> = {
    ...environment,
    ...(options.data && { SWITCHHOOK_DATA: options.data }),
  };
  const named = options.config ?? (effective["SWITCHHOOK_CONFIG"]?.trim() || undefined);
  const file = named ?? (existsSync(defaultFile) ? defaultFile : undefined);
  const source = file === undefined ? undefined : { text: readSource(file), file };
  const config = loadConfig(source, effective, { providers, connectors }, (path) =>
    readFileSync(path, "utf8"),
  );
  return { config, ...(file !== undefined && { file }) };
}

function readSource(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    const cure =
      "Check --config or SWITCHHOOK_CONFIG; without either, switchhook.json is used if there is one.";
    throw new ConfigError([{ at: file, problem: `cannot be read (${messageOf(cause)}).`, cure }]);
  }
}
