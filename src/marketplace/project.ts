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
