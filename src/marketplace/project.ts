import type { Manifest } from "../manifest.ts";

/** A CRM's developer project: the text of each file by its path, with slashes, within the project. */
export type Project = ReadonlyMap<string, string>;

/** Makes a project. `publicUrl`: where the server is reached by the CRM and its users, without a slash at the end. */
export type MakeProject = (manifest: Manifest, publicUrl: string) => Project;

export type ManifestCrm = Manifest["crms"][number];

/** A part of a CRM's entry that its project cannot be made without. */
export function needed<Part extends "oauth" | "webhooks" | "package">(
  crm: ManifestCrm,
  part: Part,
): NonNullable<ManifestCrm[Part]> {
  const found = crm[part];
  if (found) return found;
  throw new Error(`manifest.json: the CRM ${crm.id} has no ${part}`);
}

/** A table with a head; a bar within a cell stays a bar. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), `|${head.map(() => "---|").join("")}`, ...rows.map(line)].join("\n");
}

/** Every scope with the reason for it, as a review asks. */
export function scopeTable({ oauth }: ManifestCrm): string {
  const row = (scope: string, when: string) => [`\`${scope}\``, when, oauth?.reasons[scope] ?? ""];
  const required = oauth?.scopes.map((scope) => row(scope, "required")) ?? [];
  const optional = oauth?.optionalScopes.map((scope) => row(scope, "optional")) ?? [];
  return markdownTable(["Scope", "", "Why"], [...required, ...optional]);
}

/** What is read and written, as a listing's table of shared data. */
export function dataTable({ data }: ManifestCrm): string {
  const rows = data.map(({ object, access, about }) => [object, access, about]);
  return markdownTable(["Object", "Access", "What and when"], rows);
}
