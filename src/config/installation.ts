import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { ZodType } from "zod";
import { type ContactKind, contactKinds } from "../core/contact.ts";
import type { ConnectorKind } from "../core/crm.ts";
import type { OAuth } from "../core/crm-app.ts";
import { ConfigError, type Fault, messageOf } from "../core/errors.ts";
import { identityOf } from "../core/phone.ts";
import type { AgentEntry, InstallationSettings } from "../core/settings.ts";
import type { Mapping } from "../mapping/compile.ts";
import { didYouMean } from "../mapping/nearest.ts";
import { check, isPlain, placeWithin } from "./faults.ts";
import { faultOfNumber, type InstallationSchema, type WrittenInstallation } from "./schema.ts";

/** The providers and connectors that can be configured. */
export type Kinds = {
  providers: Readonly<Record<string, { settings: ZodType }>>;
  connectors: Readonly<
    Record<
      string,
      {
        settings: ZodType;
        contactKinds?: readonly ContactKind[];
        associates?: readonly string[];
        oauth?: OAuth;
        installed?: ZodType;
      }
    >
  >;
};

/** `crm` and `providers`: as their own schemas parse them. */
export type InstallationConfig = InstallationSettings &
  MappingPlace & {
    crm: { type: string; [setting: string]: unknown };
    providers: Record<string, unknown>;
  };

/** What reading needs. `file`: relative paths start in its folder. */
export type ConfigReading = {
  file: string;
  kinds: Kinds;
  /** Of the kinds' providers. Building it costs more than reading an installation with it. */
  schema: InstallationSchema;
  compileMapping: CompileMapping;
  faults: Fault[];
};

const namePattern = /^[a-z0-9][a-z0-9-]{0,39}$/;

/** One installation of the file, or undefined with the reasons in `faults`. */
export function readInstallation(
  name: string,
  value: unknown,
  at: string,
  { file, kinds, schema, compileMapping, faults }: ConfigReading,
): InstallationConfig | undefined {
  if (!namePattern.test(name)) {
    const cure = "Use lower-case letters, digits and hyphens, at most 40: it is part of the webhook URL.";
    faults.push({ at, problem: "an installation cannot have this name.", cure });
  }
  const before = faults.length;
  // Each part is read from the raw value, so that its faults are found even when another setting is wrong.
  const raw = isPlain(value) ? value : {};
  const crm = readCrm(raw["crm"], placeWithin(at, "crm"), { file, kinds, faults });
  const providers = readProviders(raw["providers"], placeWithin(at, "providers"), kinds, faults);
  const place = crm && placeOfMapping(raw["mapping"], crm.type, file);
  if (crm && place) {
    const kind = { id: crm.type, ...kindOf(kinds.connectors, crm.type) };
    faults.push(...faultsOfMapping(place, kind, placeWithin(at, "mapping"), compileMapping));
  }
  const written = check(schema, value, at, faults);
  if (!written) return undefined;
  faults.push(...faultsOfNumbers(written, at), ...faultsOfAgents(written, at, Object.keys(kinds.providers)));
  if (!crm || !place || !providers || faults.length > before) return undefined;
  const { mapping: _, defaultOwner, recordingLinkDays, ...settings } = written;
  return {
    ...settings,
    ...place,
    ...(defaultOwner !== undefined && { defaultOwner }),
    ...(recordingLinkDays !== undefined && { recordingLinkDays }),
    recordingLines: linesOf(written),
    name,
    crm,
    providers,
    agents: written.agents.map(withoutAbsent),
    companyNumbers: written.companyNumbers.flatMap((number) => identityOf(number, written.region) ?? []),
    contactOrder: [...(written.contactOrder ?? kinds.connectors[crm.type]?.contactKinds ?? contactKinds)],
  };
}

function readCrm(
  value: unknown,
  at: string,
  { file, kinds, faults }: Pick<ConfigReading, "file" | "kinds" | "faults">,
) {
  if (!isPlain(value)) return undefined;
  const { type } = value;
  const kind = typeof type === "string" ? kindOf(kinds.connectors, type) : undefined;
  if (typeof type !== "string" || !kind) {
    faults.push(unknownKind(placeWithin(at, "type"), "CRM", type, Object.keys(kinds.connectors)));
    return undefined;
  }
  const settings = check(kind.settings, value, at, faults);
  if (!isPlain(settings)) return undefined;
  const path = type === "local" ? settings["file"] : undefined;
  return { ...settings, type, ...(typeof path === "string" && { file: beside(file, path) }) };
}

function readProviders(value: unknown, at: string, kinds: Kinds, faults: Fault[]) {
  if (value === undefined) return {};
  if (!isPlain(value)) return undefined;
  const entries = Object.entries(value).map(([id, settings]): [string, unknown] => {
    const kind = kindOf(kinds.providers, id);
    if (kind) return [id, check(kind.settings, settings, placeWithin(at, id), faults)];
    faults.push(unknownKind(placeWithin(at, id), "provider", id, Object.keys(kinds.providers)));
    return [id, undefined];
  });
  return Object.fromEntries(entries);
}

function kindOf<K>(kinds: Readonly<Record<string, K>>, id: string): K | undefined {
  return Object.hasOwn(kinds, id) ? kinds[id] : undefined;
}

function unknownKind(at: string, what: string, given: unknown, known: readonly string[]): Fault {
  const problem =
    given === undefined
      ? `the ${what} is not named.`
      : `there is no ${what} ${JSON.stringify(given)?.slice(0, 60)}.`;
  const hint = typeof given === "string" ? didYouMean(given, known) : undefined;
  return { at, problem, cure: hint ?? `Use one of: ${known.join(", ")}.` };
}

/** Lines by the identity of their numbers, as calls are compared with them. */
function linesOf({ recordingLines, region }: WrittenInstallation): InstallationSettings["recordingLines"] {
  const lines = Object.entries(recordingLines).map(([line, policy]) => [
    identityOf(line, region) ?? line,
    policy,
  ]);
  return Object.fromEntries(lines);
}

function faultsOfNumbers(written: WrittenInstallation, at: string): Fault[] {
  const { companyNumbers, agents, region, recordingLines } = written;
  const lists = agents.map(({ phones = [] }, i) => [`${at}.agents[${i}].phones`, phones] as const);
  const lines = [`${at}.recordingLines`, Object.keys(recordingLines)] as const;
  return [...lists, [`${at}.companyNumbers`, companyNumbers] as const, lines].flatMap(([place, numbers]) =>
    numbers.flatMap((number, i) => {
      const problem = faultOfNumber(number, region);
      return problem ? [{ at: `${place}[${i}]`, problem }] : [];
    }),
  );
}

/** Two people must not share an e-mail address or a provider's id, or the owner of a call would be ambiguous. They may share an AI agent. */
function faultsOfAgents({ agents }: WrittenInstallation, at: string, providers: readonly string[]): Fault[] {
  const seen = new Map<string, number>();
  return agents.map(withoutAbsent).flatMap((agent, i) => {
    const ids = providers
      .filter((id) => Array.isArray(agent[id]))
      .flatMap((id) => [agent[id]].flat().map((one) => `${id} ${one}`));
    return [...new Set([`e-mail ${agent.email.toLowerCase()}`, ...ids])].flatMap((id) => {
      const first = seen.get(id);
      if (first === undefined) seen.set(id, i);
      if (first === undefined) return [];
      const problem = `${id} stands at agents[${first}] already.`;
      return [{ at: `${at}.agents[${i}]`, problem, cure: "Keep it at one of them." }];
    });
  });
}

function withoutAbsent(agent: WrittenInstallation["agents"][number]): AgentEntry {
  const present = Object.entries(agent).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(present), email: agent.email };
}

function beside(file: string, path: string): string {
  return resolve(dirname(file), path);
}

/** Compiles a mapping file. Throws `ConfigError`, or another error when the file cannot be read. */
export type CompileMapping = (path: string) => Mapping;

/** `mappingFile`: a path that can be opened. `mappingIsDefault`: the settings name none, so it is the built-in one. */
type MappingPlace = { mappingFile: string; mappingIsDefault: boolean };

/** Next to `src` in the checkout, next to `dist/src` in the package. */
const builtInMappings = fileURLToPath(new URL("../../mappings", import.meta.url));

function placeOfMapping(mapping: unknown, crm: string, file: string): MappingPlace {
  const named = typeof mapping === "string" && mapping.trim() !== "" ? mapping.trim() : undefined;
  return {
    mappingFile: named ? resolve(dirname(file), named) : resolve(builtInMappings, `${crm}.json`),
    mappingIsDefault: named === undefined,
  };
}

/** The faults of an installation's mapping file: it is missing, does not compile, or is for another CRM. */
function faultsOfMapping(
  place: MappingPlace,
  { id: crm, associates = [] }: Pick<ConnectorKind, "id" | "associates">,
  at: string,
  compile: CompileMapping,
): Fault[] {
  const { mappingFile, mappingIsDefault } = place;
  try {
    const mapping = compile(mappingFile);
    const made = mapping.crm;
    if (made === crm) return faultsOfAssociates(mapping.associates, associates, `${mappingFile}: associate`);
    const problem = `${mappingFile} is for the CRM "${made}", but this installation's is "${crm}".`;
    return [{ at, problem, cure: "Name another mapping, or leave `mapping` out for the built-in one." }];
  } catch (error) {
    if (error instanceof ConfigError) return [...error.faults];
    const problem = `the mapping file cannot be read (${messageOf(error)}).`;
    const cure = mappingIsDefault
      ? `There is no built-in mapping for ${crm}: name a file in \`mapping\`.`
      : "Correct the path: it starts in the folder of the config file.";
    return [{ at, problem, cure }];
  }
}

function faultsOfAssociates(named: readonly string[], known: readonly string[], at: string): Fault[] {
  return named.flatMap((type) => {
    if (known.includes(type)) return [];
    const other =
      known.length > 0 ? `Use one of: ${known.join(", ")}.` : "Use a field of the activity instead.";
    const problem = `calls of this CRM cannot be associated with a record ${type}.`;
    return [{ at: `${at}.${type}`, problem, cure: didYouMean(type, known) ?? other }];
  });
}
