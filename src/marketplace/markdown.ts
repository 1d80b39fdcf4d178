import type { ManifestCrm } from "./project.ts";

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
