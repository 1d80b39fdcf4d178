import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { ConnectorKind } from "../core/crm.ts";
import { ConfigError, type Fault, messageOf } from "../core/errors.ts";
import type { Mapping } from "../mapping/compile.ts";
import { didYouMean } from "../mapping/nearest.ts";

/** Compiles a mapping file. Throws `ConfigError`, or another error when the file cannot be read. */
export type CompileMapping = (path: string) => Mapping;

/** `mappingFile`: a path that can be opened. `mappingIsDefault`: the settings name none, so it is the built-in one. */
export type MappingPlace = { mappingFile: string; mappingIsDefault: boolean };

/** Next to `src` in the checkout, next to `dist/src` in the package. */
const builtInMappings = fileURLToPath(new URL("../../mappings", import.meta.url));

export function placeOfMapping(mapping: unknown, crm: string, file: string): MappingPlace {
  const named = typeof mapping === "string" && mapping.trim() !== "" ? mapping.trim() : undefined;
  return {
    mappingFile: named ? resolve(dirname(file), named) : resolve(builtInMappings, `${crm}.json`),
    mappingIsDefault: named === undefined,
  };
}

/** The faults of an installation's mapping file: it is missing, does not compile, or is for another CRM. */
export function faultsOfMapping(
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
