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

/** Every scope with its reason, for the review. */
export function scopeTable({ oauth }: ManifestCrm): string {
  const row = (scope: string, when: string) => [`\`${scope}\``, when, oauth?.reasons[scope] ?? ""];
  const required = oauth?.scopes.map((scope) => row(scope, "required")) ?? [];
  const optional = oauth?.optionalScopes.map((scope) => row(scope, "optional")) ?? [];
  return markdownTable(["Scope", "", "Why"], [...required, ...optional]);
}

/** The data that is read and written, for the listing's table of shared data. */
export function dataTable({ data }: ManifestCrm): string {
  const rows = data.map(({ object, access, about }) => [object, access, about]);
  return markdownTable(["Object", "Access", "What and when"], rows);
}
