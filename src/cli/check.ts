import type { Config, InstallationConfig } from "../config.ts";
import { ConfigError, type Fault, messageOf } from "../core/errors.ts";
import type { Installation } from "../flow/installation.ts";
import { checkMapping } from "../mapping/check.ts";
import { readMapping } from "../mapping/file.ts";
import { mappingPath } from "../parts/connect.ts";
import { assemble, type Parts } from "../parts.ts";
import { prepareDataFolder } from "./data-folder.ts";
import { type GlobalOptions, print, printJson } from "./output.ts";
import { readConfig } from "./read-config.ts";

/** One thing that was looked at. Without a fault it is in order; `says` tells what was found. */
type Check = { check: string; says?: string; faults: Fault[] };

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Looks at everything that must be right before going live, and says how to mend what is not. False when there is a fault. */
export async function check(options: GlobalOptions): Promise<boolean> {
  const checks = await allChecks(options);
  const ok = checks.every(({ faults }) => faults.length === 0);
  if (options.json) printJson({ ok, checks });
  else for (const one of checks) sayCheck(one);
  return ok;
}

function sayCheck({ check: name, says, faults }: Check): void {
  if (faults.length === 0) print(`ok     ${name}${says ? `: ${says}` : ""}`);
  for (const { at, problem, cure } of faults) {
    print(`FAULT  ${name}: ${at === name ? "" : `${at}: `}${problem}${cure ? ` ${cure}` : ""}`);
  }
}

async function allChecks(options: GlobalOptions): Promise<Check[]> {
  let config: Config;
  let file: string | undefined;
  try {
    ({ config, file } = readConfig(options));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return [{ check: "configuration", faults: [...error.faults] }];
  }
  const said = `${file ?? "the built-in demo"}, ${config.installations.map(({ name }) => name).join(", ")}`;
  const checks: Check[] = [{ check: "configuration", says: said, faults: [] }];
  for (const settings of config.installations) checks.push(mappingFileCheck(config, settings));
  if (checks.some(({ faults }) => faults.length > 0)) return checks;
  const parts = assemble(config, { log: silent });
  try {
    checks.push(await dataFolderCheck(parts));
    for (const installation of parts.installations.values()) {
      checks.push(...providerChecks(config, installation), ...(await crmChecks(config, installation)));
    }
  } finally {
    await parts.stop().catch(() => {});
  }
  return checks;
}

function mappingFileCheck(config: Config, settings: InstallationConfig): Check {
  const path = mappingPath(config, settings);
  const name = `${settings.name}: mapping`;
  try {
    const { activityFields } = readMapping(path);
    return { check: name, says: `${path}, ${activityFields.length} fields`, faults: [] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { check: name, faults: [...error.faults] };
  }
}

async function dataFolderCheck({ config, flow }: Parts): Promise<Check> {
  const { dataFolder } = config;
  const written = prepareDataFolder(dataFolder, flow.store);
  return attempt("data folder", () => written.then(() => `${dataFolder} can be written to`));
}

/** The secrets themselves were checked with the configuration; only a call from the provider proves that they are the same. */
function providerChecks({ publicUrl }: Config, { settings, providers }: Installation): Check[] {
  const checks = Object.keys(providers).map((id) => ({
    check: `${settings.name}: ${id}`,
    says: `webhook URL ${publicUrl}/webhooks/${settings.name}/${id}`,
    faults: [],
  }));
  const none = {
    at: settings.name,
    problem: "has no provider, so no calls arrive.",
    cure: "Add one under providers.",
  };
  return checks.length > 0 ? checks : [{ check: `${settings.name}: providers`, faults: [none] }];
}

async function crmChecks(config: Config, installation: Installation): Promise<Check[]> {
  const { settings, connector, crm } = installation;
  const checks: Check[] = [];
  const name = `${settings.name}: ${crm}`;
  checks.push(
    await attempt(name, async () => {
      await connector.prepare?.();
      const owners = await connector.owners?.();
      return owners ? `reachable, ${owners.length} owners` : "reachable";
    }),
  );
  if (checks.some(({ faults }) => faults.length > 0)) return checks;
  const written = config.installations.find((one) => one.name === settings.name);
  const path = written ? mappingPath(config, written) : "mapping";
  const fields = await connector.fields?.();
  if (!fields) return [...checks, { check: `${name} fields`, says: "takes any field", faults: [] }];
  const faults = checkMapping(installation.mapping(), fields, path);
  return [...checks, { check: `${name} fields`, says: "all exist and take what the mapping gives", faults }];
}

async function attempt(name: string, work: () => Promise<string>): Promise<Check> {
  try {
    return { check: name, says: await work(), faults: [] };
  } catch (error) {
    return { check: name, faults: [{ at: name, problem: messageOf(error) }] };
  }
}
