import type { ManifestCrm } from "./project.ts";
import { metadataXml } from "./xml.ts";

type OrgPackage = NonNullable<ManifestCrm["package"]>;
type PackageField = OrgPackage["fields"][number];
type PermissionSet = OrgPackage["permissionSets"][number];

/** Fields of tasks live on Activity: deployed under Task they are refused. */
export function fieldFile({ name, label, type, key, about }: PackageField): [path: string, text: string] {
  const text = metadataXml("CustomField", {
    fullName: name,
    ...(key && { caseSensitive: true }),
    description: about,
    ...(key && { externalId: true }),
    inlineHelpText: about,
    label,
    ...(type === "Text" && { length: 255 }),
    required: false,
    type,
    ...(key && { unique: true }),
  });
  return [`objects/Activity/fields/${name}.field-meta.xml`, text];
}

/**
 * A field without its permission is invisible to the API. Task and Event share that permission, and a file that names
 * only one of them takes it from both. Tasks have no object permission: `EditTask` is what opens them.
 */
export function permissionSetFile(
  set: PermissionSet,
  fields: readonly PackageField[],
): [path: string, text: string] {
  const opened = set.fields ? fields.flatMap(({ name }) => [`Event.${name}`, `Task.${name}`]).sort() : [];
  const text = metadataXml("PermissionSet", {
    description: set.about,
    fieldPermissions: opened.map((field) => ({ editable: true, field, readable: true })),
    hasActivationRequired: false,
    label: set.label,
    objectPermissions: Object.entries(set.objects).map(([object, rights]) => ({
      allowCreate: rights.includes("create"),
      allowDelete: rights.includes("delete"),
      allowEdit: rights.includes("edit"),
      allowRead: rights.includes("read"),
      modifyAllRecords: false,
      object,
      viewAllRecords: false,
    })),
    userPermissions: set.users.map((name) => ({ enabled: true, name })),
  });
  return [`permissionsets/${set.name}.permissionset-meta.xml`, text];
}
