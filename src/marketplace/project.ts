import type { Manifest } from "../manifest.ts";

/** A CRM's developer project: the text of each file by its path in the project, with slashes. */
export type Project = ReadonlyMap<string, string>;

/** Makes a project. `publicUrl`: the server's address for the CRM and its users, without a trailing slash. */
export type MakeProject = (manifest: Manifest, publicUrl: string) => Project;

export type ManifestCrm = Manifest["crms"][number];

/** A part of a CRM's manifest entry. Throws when it is missing. */
export function needed<Part extends "oauth" | "webhooks" | "package">(
  crm: ManifestCrm,
  part: Part,
): NonNullable<ManifestCrm[Part]> {
  const found = crm[part];
  if (found) return found;
  throw new Error(`manifest.json: the CRM ${crm.id} has no ${part}`);
}

/** A Markdown table; a `|` in a cell is escaped. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), `|${head.map(() => "---|").join("")}`, ...rows.map(line)].join("\n");
}

type ManifestOAuth = NonNullable<ManifestCrm["oauth"]>;

/** Where the CRM sends people back to: after installing, and after signing in. */
export function callbacksOf({ callback, signIn }: ManifestOAuth): string[] {
  return [callback, ...(signIn ? [signIn.callback] : [])];
}

/** All that the app may ask for. */
export function scopesOf({ scopes, signIn }: ManifestOAuth): string[] {
  return [...new Set([...scopes, ...(signIn?.scopes ?? [])])];
}

/** Every scope with its reason, for the review. */
export function scopeTable({ oauth }: ManifestCrm): string {
  const row = (scope: string, when: string) => [`\`${scope}\``, when, oauth?.reasons[scope] ?? ""];
  const required = oauth?.scopes.map((scope) => row(scope, "required")) ?? [];
  const optional = oauth?.optionalScopes.map((scope) => row(scope, "optional")) ?? [];
  const more = oauth ? scopesOf(oauth).filter((scope) => !oauth.scopes.includes(scope)) : [];
  const signingIn = more.map((scope) => row(scope, "to sign in"));
  return markdownTable(["Scope", "", "Why"], [...required, ...optional, ...signingIn]);
}

/** The data that is read and written, for the listing's table of shared data. */
export function dataTable({ data }: ManifestCrm): string {
  const rows = data.map(({ object, access, about }) => [object, access, about]);
  return markdownTable(["Object", "Access", "What and when"], rows);
}

type JsonValue =
  | string
  | number
  | boolean
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

const lineWidth = 110;

/** JSON as the project's formatter writes it: on one line where it fits. */
export function jsonText(value: JsonValue): string {
  return `${written(value, "", 0)}\n`;
}

/** `around`: the number of characters before and after it on its first line. */
function written(value: JsonValue, indent: string, around: number): string {
  const short = onOneLine(value);
  if (indent.length + around + short.length <= lineWidth || typeof value !== "object") return short;
  const deeper = `${indent}  `;
  const comma = 1;
  if (isList(value)) {
    const items = value.map((item) => deeper + written(item, deeper, comma));
    return `[\n${items.join(",\n")}\n${indent}]`;
  }
  const entries = entriesOf(value).map(([key, one]) => {
    const name = `${JSON.stringify(key)}: `;
    return deeper + name + written(one, deeper, name.length + comma);
  });
  return `{\n${entries.join(",\n")}\n${indent}}`;
}

function onOneLine(value: JsonValue): string {
  if (typeof value !== "object") return JSON.stringify(value);
  if (isList(value)) return `[${value.map(onOneLine).join(", ")}]`;
  const entries = entriesOf(value).map(([key, one]) => `${JSON.stringify(key)}: ${onOneLine(one)}`);
  return entries.length === 0 ? "{}" : `{ ${entries.join(", ")} }`;
}

function entriesOf(value: { readonly [key: string]: JsonValue | undefined }): [string, JsonValue][] {
  return Object.entries(value).flatMap(([key, one]) => (one === undefined ? [] : [[key, one]]));
}

type Leaf = string | number | boolean;

/** The contents of an element, by name and in order. A list repeats the element; undefined is left out. */
type Elements = {
  readonly [name: string]: Leaf | Elements | readonly (Leaf | Elements)[] | undefined;
};

const escapes: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

/** A file of Salesforce's Metadata API, indented as `sf project retrieve` writes it. */
export function metadataXml(type: string, elements: Elements): string {
  const xmlns = "http://soap.sforce.com/2006/04/metadata";
  const lines = ['<?xml version="1.0" encoding="UTF-8"?>', `<${type} xmlns="${xmlns}">`];
  return [...lines, ...linesOf(elements, "    "), `</${type}>`, ""].join("\n");
}

function linesOf(elements: Elements, indent: string): string[] {
  return Object.entries(elements).flatMap(([name, value]) => {
    const values = value === undefined ? [] : isList(value) ? value : [value];
    return values.flatMap((one) =>
      typeof one === "object"
        ? [`${indent}<${name}>`, ...linesOf(one, `${indent}    `), `${indent}</${name}>`]
        : [`${indent}<${name}>${escaped(String(one))}</${name}>`],
    );
  });
}

function escaped(text: string): string {
  return text.replace(/[&<>]/g, (character) => escapes[character] ?? character);
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}
