import type { ObjectType, Property, PropertyOption, PropertyType } from "./types.ts";

const made = "2019-08-06T02:41:52.028Z";

/** A property as HubSpot itself defines it: nobody may change or archive the definition. */
export function define(
  name: string,
  type: PropertyType,
  label: string,
  more: Partial<Omit<Property, "options">> & { options?: readonly string[] | Record<string, string> } = {},
  readOnly = false,
): Property {
  const { options = [], ...rest } = more;
  return {
    name,
    label,
    description: "",
    groupName: "",
    type,
    fieldType: fieldTypes[type],
    options: toOptions(options),
    externalOptions: false,
    hasUniqueValue: false,
    hidden: false,
    calculated: false,
    hubspotDefined: true,
    formField: false,
    displayOrder: -1,
    modificationMetadata: { archivable: false, readOnlyDefinition: true, readOnlyValue: readOnly },
    createdAt: made,
    updatedAt: made,
    archived: false,
    ...rest,
  };
}

const fieldTypes: Record<PropertyType, string> = {
  string: "text",
  number: "number",
  bool: "booleancheckbox",
  datetime: "date",
  date: "date",
  enumeration: "select",
};

/** Options by value; the labels when they differ. */
function toOptions(options: readonly string[] | Record<string, string>): PropertyOption[] {
  const pairs: [string, string][] = Array.isArray(options)
    ? options.map((value: string) => [value, value])
    : Object.entries(options as Record<string, string>);
  return pairs.map(([value, label], displayOrder) => ({ label, value, displayOrder, hidden: false }));
}

export function readOnly(
  name: string,
  type: PropertyType,
  label: string,
  more: Partial<Omit<Property, "options">> = {},
): Property {
  return define(name, type, label, more, true);
}

/** An owner's id (not a user's); the options are the portal's owners. */
export function ownerProperty(label: string): Property {
  return define("hubspot_owner_id", "enumeration", label, {
    externalOptions: true,
    referencedObjectType: "OWNER",
  });
}

/** A property that the portal's admin has added. */
export type ExtraProperty = Partial<Property> & { objectType: ObjectType; name: string; type: PropertyType };

export function extraProperty({ objectType: _, ...property }: ExtraProperty, groupName: string): Property {
  return {
    ...define(property.name, property.type, property.label ?? property.name),
    groupName,
    hubspotDefined: false,
    modificationMetadata: { archivable: true, readOnlyDefinition: false, readOnlyValue: false },
    ...property,
  };
}
