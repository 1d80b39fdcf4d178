import { dirname, join, resolve } from "node:path";
import type { OidcSettings } from "../access/settings.ts";
import type { ArchiveSettings } from "../archive/settings.ts";
import type { ConnectorKind } from "../core/crm.ts";
import { ConfigError, type Fault } from "../core/errors.ts";
import { demoInstallation } from "../demo.ts";
import { createMappingFiles, type MappingFiles } from "../mapping/file.ts";
import { parseJson } from "../mapping/json.ts";
import { didYouMean } from "../mapping/nearest.ts";
import { type EnvironmentSettings, faultsOfOpenDoors, readEnvironment } from "./environment.ts";
import { check, type Environment, isPlain, placeWithin, resolveSecrets } from "./faults.ts";
import { type ConfigReading, type InstallationConfig, type Kinds, readInstallation } from "./installation.ts";
import { fileSchema, installationSchema } from "./schema.ts";

export type { InstallationConfig, Kinds } from "./installation.ts";

/** `dataFolder`: as given, relative to the process. */
export type Config = Required<Pick<EnvironmentSettings, "port" | "host">> &
  Omit<EnvironmentSettings, "port" | "host"> & {
    publicUrl: string;
    /** The built-in demo, whose secrets are public. */
    isDemo: boolean;
    /** How long raw deliveries are stored. */
    retentionDays: number;
    /** How long removed accounts are stored. */
    removedDays: number;
    /** How long the audit log is stored. */
    auditDays: number;
    limits: {
      bodyBytes?: number | undefined;
      bodySeconds: number;
      bodiesBytes: number;
      connections: number;
      /** Installations that this instance works for at a time, where several instances share a store. */
      tenancies: number;
    };
    installations: InstallationConfig[];
    apps: Record<string, unknown>;
    archive?: ArchiveSettings;
    signIn: { oidc?: OidcSettings | undefined };
    /** The mapping files that reading the config has compiled, for all who use them. */
    mappings: MappingFiles;
  };

/** The text of a config file. `file`: its path for messages; relative paths in the file start in its folder. */
export type ConfigSource = { text: string; file: string };

type FileSettings = Pick<
  Config,
  "installations" | "apps" | "retentionDays" | "removedDays" | "auditDays" | "limits" | "signIn"
> &
  Partial<Pick<Config, "port" | "host" | "publicUrl" | "archive">>;

/**
 * The configuration from the file, or the built-in demo without one, and the environment, which overrides it.
 * Throws one `ConfigError` with all faults. `readMapping` gives a mapping file's text, or throws.
 */
export function loadConfig(
  source: ConfigSource | undefined,
  environment: Environment,
  kinds: Kinds,
  readMapping: (path: string) => string,
): Config {
  const faults: Fault[] = [];
  const mappings = createMappingFiles();
  const reading = {
    kinds,
    schema: installationSchema(Object.keys(kinds.providers)),
    compileMapping: (path: string) => mappings.compile(readMapping(path), path),
    faults,
  };
  const settings = readEnvironment(environment, faults);
  const file = source
    ? readFile(source, environment, settings.sealingKeys, { ...reading, file: source.file })
    : readDemo(settings.dataFolder, reading);
  const host = settings.host ?? file?.host ?? "127.0.0.1";
  const port = settings.port ?? file?.port ?? 8484;
  const at = settings.host || !source ? "environment: HOST" : `${source.file}: host`;
  const isDemo = source === undefined;
  faults.push(
    ...faultsOfOpenDoors({
      host,
      at,
      isDemo,
      isGuarded: settings.adminToken !== undefined || file?.signIn.oidc !== undefined,
      ...(file?.publicUrl !== undefined && {
        publicUrl: file.publicUrl,
        urlAt: `${source?.file}: publicUrl`,
      }),
    }),
  );
  if (settings.databaseUrl && file) faults.push(...faultsOfSharing(file, source?.file));
  if (!file || faults.length > 0) throw new ConfigError(withoutRepeats(faults));
  return {
    ...file,
    ...settings,
    mappings,
    isDemo,
    host,
    port,
    publicUrl: file.publicUrl ?? urlOf(host, port),
  };
}

/** What several instances cannot share. `place`: the config file; undefined in the demo. */
function faultsOfSharing({ installations, archive }: FileSettings, place: string | undefined): Fault[] {
  const shared = "DATABASE_URL is set, so several instances may share the store";
  if (place === undefined)
    return [
      {
        at: "environment: DATABASE_URL",
        problem: "the built-in demo has a CRM in a local file, which several instances cannot share.",
        cure: "Write a switchhook.json with your own installation, or unset DATABASE_URL.",
      },
    ];
  const local = installations.filter(({ crm }) => crm.type === "local");
  const faults: Fault[] = local.map(({ name }) => ({
    at: `${place}: installations.${name}.crm`,
    problem: `${shared}, but a local CRM is a file that one process has.`,
    cure: "Use HubSpot or Salesforce, or unset DATABASE_URL.",
  }));
  if (archive && "folder" in archive && !archive.shared)
    faults.push({
      at: `${place}: archive.folder`,
      problem: `${shared}, and each needs the same recordings.`,
      cure: 'Use an `s3` bucket; or, for a folder that all instances mount, add "shared": true.',
    });
  return faults;
}

function readFile(
  { text, file }: ConfigSource,
  environment: Environment,
  sealingKeys: readonly string[],
  reading: ConfigReading,
): FileSettings | undefined {
  const { faults } = reading;
  const parsed = parse(text, file, faults);
  if (parsed === undefined) return undefined;
  const value = resolveSecrets(parsed, `${file}:`, environment, faults);
  const written = check(fileSchema, value, `${file}:`, faults);
  const all = isPlain(value) && isPlain(value["installations"]) ? value["installations"] : {};
  const installations = Object.entries(all).flatMap(
    ([name, one]) => readInstallation(name, one, placeWithin(`${file}: installations`, name), reading) ?? [],
  );
  faults.push(...faultsOfSharedFiles(installations, file));
  const named = isPlain(value) && isPlain(value["apps"]) ? value["apps"] : {};
  const apps = readApps(named, `${file}: apps`, { kinds: reading.kinds.connectors, sealingKeys, faults });
  if (!written) return undefined;
  const { $schema: _, archive, ...settings } = written;
  faults.push(...faultsOfArchive(installations, archive, `${file}: installations.`));
  return { ...settings, installations, apps, ...(archive && { archive: placeOf(archive, file) }) };
}

/** A relative folder starts in the folder of the config file. */
function placeOf(archive: ArchiveSettings, file: string): ArchiveSettings {
  return "folder" in archive ? { ...archive, folder: resolve(dirname(file), archive.folder) } : archive;
}

/** Installations with the policy `archive` where no archive is configured. `place`: where their settings are. */
export function faultsOfArchive(
  installations: readonly InstallationConfig[],
  archive: ArchiveSettings | undefined,
  place: string,
): Fault[] {
  if (archive) return [];
  const wanting = installations.filter(
    ({ recording, recordingLines }) =>
      recording === "archive" || Object.values(recordingLines).includes("archive"),
  );
  return wanting.map(({ name }) => ({
    at: `${place}${name}.recording`,
    problem: "wants recordings to be archived, and there is no archive.",
    cure: 'Add one beside `installations`: "archive": {"folder": "recordings"}, or an `s3` bucket.',
  }));
}

function parse(text: string, file: string, faults: Fault[]): unknown {
  try {
    return parseJson(text, file);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    faults.push(...error.faults);
    return undefined;
  }
}

/** The demo passes the same checks as a file; its CRM is in the data folder. */
function readDemo(dataFolder: string, reading: Omit<ConfigReading, "file">): FileSettings | undefined {
  const demo = { installations: { demo: demoInstallation } };
  const file = join(dataFolder, "demo");
  return readFile({ text: JSON.stringify(demo), file }, {}, [], { ...reading, file });
}

/** A wildcard address such as 0.0.0.0 cannot be called; loopback can. */
function urlOf(host: string, port: number): string {
  const name = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return `http://${name.includes(":") ? `[${name}]` : name}:${port}`;
}

/** Two installations may share a mapping file: its faults are reported once. */
function withoutRepeats(faults: readonly Fault[]): Fault[] {
  return [...new Map(faults.map((fault) => [`${fault.at} ${fault.problem}`, fault])).values()];
}

/** Two installations that write one file would overwrite each other. */
function faultsOfSharedFiles(installations: readonly InstallationConfig[], file: string): Fault[] {
  return installations.flatMap(({ name, crm }, i) => {
    const other = installations
      .slice(0, i)
      .find(({ crm: { file: theirs } }) => theirs !== undefined && theirs === crm["file"]);
    if (!other) return [];
    const problem = `the installation ${other.name} has the same CRM file.`;
    return [
      {
        at: `${file}: installations.${name}.crm.file`,
        problem,
        cure: "Give each installation a file of its own.",
      },
    ];
  });
}

type OAuthKinds = Readonly<Record<string, Partial<Pick<ConnectorKind, "oauth">>>>;

/** Our apps by CRM, as the CRMs' schemas parse them. Tokens are sealed with a key, so a key is required. */
function readApps(
  apps: Readonly<Record<string, unknown>>,
  at: string,
  { kinds, sealingKeys, faults }: { kinds: OAuthKinds; sealingKeys: readonly string[]; faults: Fault[] },
): Record<string, unknown> {
  const names = Object.keys(kinds).filter((name) => kinds[name]?.oauth);
  const read = Object.entries(apps).map(([name, value]): [string, unknown] => {
    const oauth = Object.hasOwn(kinds, name) ? kinds[name]?.oauth : undefined;
    if (oauth) return [name, check(oauth.app, value, placeWithin(at, name), faults)];
    const problem = `there is no CRM ${JSON.stringify(name.slice(0, 60))} that is installed by OAuth.`;
    const cure = didYouMean(name, names) ?? `Use one of: ${names.join(", ")}.`;
    faults.push({ at: placeWithin(at, name), problem, cure });
    return [name, undefined];
  });
  if (read.length > 0 && sealingKeys.length === 0) {
    faults.push({
      at: "environment: SWITCHHOOK_KEY",
      problem: "is not set: the tokens of installed accounts are sealed with it.",
      cure: "Set a random one and keep it safe: openssl rand -base64 32.",
    });
  }
  return Object.fromEntries(read);
}
