import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { ComponentSet, SourceComponent } from "@salesforce/source-deploy-retrieve";
import { parseMetadata } from "./metadata.ts";
import { requireOf } from "./written.ts";

/** The Metadata API takes the fields of these objects on another one only, which the library does not know. */
const livesOn: Readonly<Record<string, string>> = { Task: "Activity", Event: "Activity" };

/** `components`: `Type: full name` of each. `ignored`: files that are never deployed. `faults`: why it would be refused. */
export type Looked = { components: string[]; ignored: string[]; packageXml: string; faults: string[] };

type Directory = { fullPath: string };
type Core = {
  SfProject: {
    resolve(folder: string): Promise<{
      getPackageDirectories(): Directory[];
      retrieveSfProjectJson(): Promise<{ getContents(): { sourceApiVersion?: string } }>;
    }>;
  };
};
type Ajv = new (options: object) => { compile(schema: unknown): Validate };
type Validate = {
  (value: unknown): boolean;
  errors?: { instancePath: string; message: string; params: object }[] | null;
};

/**
 * The library that `sf project deploy` uses. Its logs and telemetry are off, and its home is a folder of the test. An
 * org is asked nothing: the API version stands in the project.
 */
export async function openSalesforceCli(home: string) {
  Object.assign(process.env, { HOME: home, SF_DISABLE_LOG_FILE: "true", SF_DISABLE_TELEMETRY: "true" });
  const library = await import("@salesforce/source-deploy-retrieve");
  const { SfProject } = requireOf("@salesforce/source-deploy-retrieve")("@salesforce/core") as Core;

  const read = async (folder: string): Promise<{ set: ComponentSet; directories: string[] }> => {
    const project = await SfProject.resolve(folder);
    const { sourceApiVersion } = (await project.retrieveSfProjectJson()).getContents();
    const directories = project.getPackageDirectories().map(({ fullPath }) => fullPath);
    const set = await library.ComponentSetBuilder.build({
      sourcepath: directories,
      projectDir: folder,
      ...(sourceApiVersion && { sourceapiversion: sourceApiVersion }),
    });
    return { set, directories };
  };

  /** What of a set is not in the zip that a deployment would send. */
  const lostIn = async (set: ComponentSet): Promise<string[]> => {
    const { zipBuffer } = await new library.MetadataConverter().convert(set, "metadata", { type: "zip" });
    const tree = await library.ZipTreeContainer.create(zipBuffer ?? Buffer.alloc(0));
    const sent = new library.MetadataResolver(undefined, tree).getComponentsFromPath(".");
    const texts = await Promise.all(
      sent.map(async (one) => [nameOf(one), String(await tree.readFile(one.xml ?? ""))] as const),
    );
    const textOf = new Map(texts);
    const isLost = (one: SourceComponent): boolean =>
      // A field is sent within its object.
      one.parent
        ? !textOf.get(nameOf(one.parent))?.includes(`<fullName>${one.name}</fullName>`)
        : !textOf.has(nameOf(one));
    return set.getSourceComponents().filter(isLost).toArray().map(nameOf);
  };

  /** Resolves every file and converts all of it for the Metadata API, as a deployment does before it sends anything. */
  return async (folder: string): Promise<Looked> => {
    const looked: Looked = { components: [], ignored: [], packageXml: "", faults: projectFaults(folder) };
    try {
      const { set, directories } = await read(folder);
      const components = set.getSourceComponents().toArray();
      const ignored = set.forceIgnoredPaths ?? new Set();
      looked.components = namesIn(set);
      looked.ignored = [...ignored].map((path) => relative(folder, path)).sort();
      looked.packageXml = await set.getPackageXml();
      const known = new Set([
        ...ignored,
        ...components.flatMap((one) => [one.xml ?? "", ...one.walkContent()]),
      ]);
      for (const path of directories.flatMap(filesIn))
        if (!known.has(path)) looked.faults.push(`${relative(folder, path)} is part of nothing`);
      for (const name of await lostIn(set)) looked.faults.push(`${name} would not be sent`);
      for (const component of components) looked.faults.push(...(await faultsOf(component)));
    } catch (error) {
      const { name, message } = error as Error;
      looked.faults.push(`${name}: ${message}`);
    }
    return looked;
  };
}

function nameOf({ type, fullName }: Pick<SourceComponent, "type" | "fullName">): string {
  return `${type.name}: ${fullName}`;
}

function namesIn(set: ComponentSet): string[] {
  return set.getSourceComponents().toArray().map(nameOf).sort();
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

async function faultsOf({ type, fullName, parent, xml = "" }: SourceComponent): Promise<string[]> {
  const { type: root, holds } = await parseMetadata(readFileSync(xml, "utf8"));
  const home = livesOn[parent?.fullName ?? ""];
  const [told] = holds["fullName"] ?? [];
  return [
    ...(root === type.name ? [] : [`${fullName} lies where a ${type.name} does, and is a ${root}`]),
    ...(home ? [`${fullName} belongs on ${home}`] : []),
    ...(told === undefined || `${parent?.fullName}.${String(told)}` === fullName
      ? []
      : [`${fullName} calls itself ${String(told)}`]),
  ];
}

/** `sfdx-project.json` against the schema that Salesforce publishes for it. */
function projectFaults(folder: string): string[] {
  const requireCore = requireOf("@salesforce/source-deploy-retrieve");
  const schema = requireCore("@salesforce/core/sfdx-project.schema.json") as object;
  const { default: Validator } = requireCore("ajv") as { default: Ajv };
  const validate = new Validator({ strict: false }).compile(schema);
  const project: unknown = JSON.parse(readFileSync(join(folder, "sfdx-project.json"), "utf8"));
  if (validate(project)) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) =>
      `sfdx-project.json${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}
