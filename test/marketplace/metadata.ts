import { createRequire } from "node:module";
import { ApiSchemas } from "jsforce/lib/api/metadata/schema.js";

/** An element as a parser gives it. */
export type Parsed = string | { [name: string]: Parsed[] };

type Parser = {
  parseStringPromise(text: string, options: object): Promise<Record<string, Parsed>>;
};

/** The parser that jsforce brings and reads Salesforce's own answers with. */
const parser = createRequire(createRequire(import.meta.url).resolve("jsforce"))("xml2js") as Parser;

const namespace = "http://soap.sforce.com/2006/04/metadata";

/** The type of a metadata file and what it holds. Throws when the XML is not well-formed or of another namespace. */
export async function parseMetadata(
  text: string,
): Promise<{ type: string; holds: { [name: string]: Parsed[] } }> {
  const parsed = await parser.parseStringPromise(text, { explicitArray: true, attrkey: "attributes" });
  const [[type, root] = []] = Object.entries(parsed);
  if (!type || typeof root !== "object") throw new Error("the file has no root element");
  const { attributes, ...holds } = root;
  const { xmlns } = attributes as unknown as { xmlns: string };
  if (xmlns !== namespace) throw new Error(`${type} has the namespace ${xmlns}`);
  return { type, holds };
}

/** The texts of the elements with this name. */
export function texts(holds: Parsed | undefined, name: string): string[] {
  const all = typeof holds === "object" ? (holds[name] ?? []) : [];
  return all.map((one) => (typeof one === "string" ? one : JSON.stringify(one)));
}

type Shape = { props: Readonly<Record<string, unknown>>; extends?: string };

const schemas: Readonly<Record<string, Shape>> = ApiSchemas;

/** What Salesforce's schema, as jsforce has it, does not know or misses in an element of this type. */
export function faultsIn(type: string, holds: Parsed, at = type): string[] {
  const shape = schemas[type];
  if (!shape || typeof holds === "string") return [`${at} is not a ${type}`];
  const inherited = shape.extends ? schemas[shape.extends]?.props : undefined;
  const props = { ...inherited, ...shape.props };
  const missing = Object.entries(props).flatMap(([name, kind]) =>
    typeof kind === "string" && !kind.startsWith("?") && !holds[name] ? [`${at} has no ${name}`] : [],
  );
  return [
    ...missing,
    ...Object.entries(holds).flatMap(([name, values]) => {
      const kind = props[name];
      const [item] = Array.isArray(kind) ? kind : [kind];
      if (typeof item !== "string") return [`${at} may not have ${name}`];
      if (!Array.isArray(kind) && values.length > 1) return [`${at} has ${name} more than once`];
      return values.flatMap((value) => faultsOfValue(item.replace(/^\?/, ""), value, `${at}.${name}`));
    }),
  ];
}

function faultsOfValue(kind: string, value: Parsed, at: string): string[] {
  const patterns: Readonly<Record<string, RegExp>> = {
    string: /\S/,
    boolean: /^(true|false)$/,
    number: /^\d+$/,
  };
  const pattern = patterns[kind];
  if (!pattern) return faultsIn(kind, value, at);
  return typeof value === "string" && pattern.test(value) ? [] : [`${at} is no ${kind}`];
}
