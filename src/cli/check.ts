import type { Config, InstallationConfig } from "../config/index.ts";
import { ConfigError, StoreError } from "../core/errors.ts";
import { whySkipped } from "../flow/calls/due.ts";
import { attempt, type Check, checkCrm } from "../flow/checks.ts";
import type { Installation } from "../flow/installation.ts";
import { isPublicUrl } from "../lib/outbound.ts";
import { limitFaults } from "../mapping/check.ts";
import { assemble, type Parts } from "../server/assemble.ts";
import { mappingPath } from "../server/connect.ts";
import { lossText, reportedForMs } from "../server/store-watch.ts";
import { faultsOfOpen, prepareDataFolder } from "./data-folder.ts";
import { type GlobalOptions, print, printJson } from "./output.ts";
import { readConfig } from "./read-config.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Checks everything that must be right before going live, and says how to fix faults. False when there are faults. */
export async function check(options: GlobalOptions): Promise<boolean> {
  const checks = await allChecks(options);
  const ok = checks.every(({ faults }) => faults.length === 0);
  if (options.json) printJson({ ok, checks });
  else for (const one of checks) sayCheck(one);
  return ok;
}

function sayCheck({ check: name, says, off, faults }: Check): void {
  if (faults.length === 0) print(`${(off ? "off" : "ok").padEnd(7)}${name}${says ? `: ${says}` : ""}`);
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
  const what = `${file ?? "the built-in demo"}, ${config.installations.map(({ name }) => name).join(", ")}`;
  const checks: Check[] = [{ check: "configuration", says: what, faults: [] }];
  for (const settings of config.installations) checks.push(mappingFileCheck(config, settings));
  if (checks.some(({ faults }) => faults.length > 0)) return checks;
  const parts = assemble(config, { log: silent });
  try {
    checks.push(
      await dataFolderCheck(parts),
      ...(await archiveChecks(parts)),
      ...(await connectionChecks(parts)),
    );
    for (const installation of parts.installations.values()) {
      checks.push(...providerChecks(config, installation), ...(await crmChecks(parts, installation)));
      checks.push(...linkChecks(config, installation));
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
    const mapping = config.mappings.read(path);
    const faults = limitFaults(mapping, path);
    return { check: name, says: `${path}, ${mapping.activityFields.length} fields`, faults };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { check: name, faults: [...error.faults] };
  }
}

/** Reads the whole store: a minute for some gigabytes. */
async function dataFolderCheck({ config, flow }: Parts): Promise<Check> {
  const name = "data folder";
  const { dataFolder } = config;
  const { store } = flow;
  let open: string[] = [];
  const check = await attempt(name, async () => {
    const tightened = await prepareDataFolder(config, store);
    if ((await store.damage()).length > 0) await prepareDataFolder(config, store);
    open = tightened.open;
    const { closed } = tightened;
    const now = closed.length > 0 ? `; ${closed.join(", ")} was open to other users, and is closed now` : "";
    const stored = config.databaseUrl ? "PostgreSQL stores webhooks" : "its store is in order";
    return `${dataFolder} can be written to, and ${stored}${now}`;
  });
  if (check.faults.length > 0) return check;
  const losses = await store.losses(flow.now() - reportedForMs);
  const lost = losses.map((loss) => ({ at: name, problem: lossText(loss) }));
  return { ...check, faults: [...faultsOfOpen(open), ...lost] };
}

/** The accounts that were connected by OAuth, with their optional features. */
async function connectionChecks(parts: Parts): Promise<Check[]> {
  const { config, flow, installed } = parts;
  try {
    await parts.accounts.load();
  } catch (error) {
    // The check of the store says it.
    if (error instanceof StoreError) return [];
    if (!(error instanceof ConfigError)) throw error;
    return [{ check: "connected accounts", faults: [...error.faults] }];
  }
  if (!installed) return [];
  const installs = (await flow.store.installs()).filter(({ state }) => state !== "removed");
  return installs.flatMap(({ name, crm, account, state, reason = state }): Check[] => {
    const check = `${name}: connection`;
    const problem = `the account is no longer connected (${reason}), so its calls wait.`;
    const cure = `Connect it again at ${config.publicUrl}/install/${crm}.`;
    if (state !== "active") return [{ check, faults: [{ at: check, problem, cure }] }];
    const off = installed.featuresOf(name).filter(({ on }) => !on);
    return [
      { check, says: `account ${account}`, faults: [] },
      ...off.map(({ feature, why }): Check => {
        return { check: `${name}: ${feature}`, off: true, ...(why && { says: why }), faults: [] };
      }),
    ];
  });
}

/** The configuration has checked that there are secrets; only a webhook proves that the provider has the same. */
function providerChecks({ publicUrl }: Config, installation: Installation): Check[] {
  const { settings, providers } = installation;
  const checks = Object.entries(providers).map(([id, configured]) => {
    const skipped = whySkipped(installation, configured);
    const lost = `lost webhooks are ${skipped === undefined ? "polled" : `not polled: ${skipped}`}`;
    // A provider that does not sign sends our secret in the URL.
    const isInUrl =
      typeof configured.settings === "object" && configured.settings && "secret" in configured.settings;
    const [key, where] = isInUrl
      ? ["?key=<secret>", ` (<secret>: \`secret\` of its provider ${id})`]
      : ["", ""];
    const says = `webhook URL ${publicUrl}/webhooks/${settings.name}/${id}${key}${where}; ${lost}`;
    return { check: `${settings.name}: ${id}`, says, faults: [] };
  });
  const none = {
    at: settings.name,
    problem: "has no provider, so no calls arrive.",
    cure: "Add one under providers.",
  };
  return checks.length > 0 ? checks : [{ check: `${settings.name}: providers`, faults: [none] }];
}

/** People and the CRM's servers open our links to recordings and transcripts from other machines. */
function linkChecks({ publicUrl }: Config, { settings, connector, crm, mapping }: Installation): Check[] {
  const { webLinks } = connector;
  if (!webLinks || isPublicUrl(publicUrl)) return [];
  const check = `${settings.name}: links in ${crm}`;
  const needed = webLinks.filter((name) => mapping().activityFields.includes(name));
  const where = `work only where ${publicUrl} can be reached`;
  if (needed.length === 0)
    return [{ check, off: true, says: `recordings and transcripts ${where}`, faults: [] }];
  const problem = `${publicUrl} is no public https address: ${crm} refuses it in ${needed.join(", ")}, and calls are logged without the link.`;
  const cure = "Set publicUrl to the https address of this server, or take the field out of the mapping.";
  return [{ check, faults: [{ at: "publicUrl", problem, cure }] }];
}

async function archiveChecks({ archive }: Parts): Promise<Check[]> {
  if (!archive) return [];
  return [await attempt("archive", () => archive.ready().then(() => `${archive.name} can be written to`))];
}

async function crmChecks(parts: Parts, installation: Installation): Promise<Check[]> {
  const { name } = installation.settings;
  // The checks of a disconnected account cannot run; that it is disconnected was reported.
  if ((parts.installed?.stateOf(name)?.state ?? "active") !== "active") return [];
  return checkCrm(installation, parts.mappings.get(name)?.path() ?? "mapping");
}
