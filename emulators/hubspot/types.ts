/** The CRM's name of a type in paths: plural. */
export const objectTypes = ["contacts", "companies", "deals", "tickets", "calls", "tasks"] as const;
export type ObjectType = (typeof objectTypes)[number];

/** Properties that have a value; an absent one is null on the wire. */
export type Values = Readonly<Record<string, string>>;

type Version = { from: number; values: Values };

export type StoredRecord = {
  id: string;
  values: Values;
  createdAt: number;
  updatedAt: number;
  archivedAt?: number;
  /** The record that this one was merged into. */
  mergedInto?: string;
  /** Deleted for privacy: no id and no archive leads to it any more. */
  erased?: true;
  /** How it looked before, oldest first, as far back as a search index may lag. */
  versions: Version[];
};

/** `record` is as the change left it; of a merge it is the winner. */
export type ContactChange =
  | { kind: "created" | "deleted" | "erased"; record: StoredRecord }
  | { kind: "changed"; record: StoredRecord; before: Values }
  | { kind: "merged"; record: StoredRecord; loser: StoredRecord };

export type PropertyType = "string" | "number" | "bool" | "datetime" | "date" | "enumeration";
export type PropertyOption = { label: string; value: string; displayOrder: number; hidden: boolean };

/** A property's definition, as the properties API tells it. */
export type Property = {
  name: string;
  label: string;
  description: string;
  groupName: string;
  type: PropertyType;
  fieldType: string;
  options: PropertyOption[];
  referencedObjectType?: string;
  externalOptions: boolean;
  hasUniqueValue: boolean;
  hidden: boolean;
  calculated: boolean;
  hubspotDefined: boolean;
  formField: boolean;
  displayOrder: number;
  modificationMetadata: { archivable: boolean; readOnlyDefinition: boolean; readOnlyValue: boolean };
  createdAt: string;
  updatedAt: string;
  archived: boolean;
};

export type PropertyGroup = { name: string; label: string; displayOrder: number; archived: boolean };

export type OwnerRecord = {
  id: string;
  email: string;
  firstName: string;
  lastName: string;
  userId: number;
  createdAt: number;
  archived: boolean;
};

const singular: Record<ObjectType, string> = {
  contacts: "contact",
  companies: "company",
  deals: "deal",
  tickets: "ticket",
  calls: "call",
  tasks: "task",
};

const typeIds: Record<ObjectType, string> = {
  contacts: "0-1",
  companies: "0-2",
  deals: "0-3",
  tickets: "0-5",
  calls: "0-48",
  tasks: "0-27",
};

export const nameOf = (type: ObjectType): string => singular[type];
export const typeIdOf = (type: ObjectType): string => typeIds[type];

/** Paths take the plural, the singular and the type id. */
export function toObjectType(text: string): ObjectType | undefined {
  const lower = text.toLowerCase();
  return objectTypes.find((type) => type === lower || singular[type] === lower || typeIds[type] === lower);
}

/** The property that holds when a record of this type last changed, and when it was made. */
export function changeProperties(type: ObjectType): { created: string; changed: string } {
  if (type === "contacts") return { created: "createdate", changed: "lastmodifieddate" };
  const engagement = type === "calls" || type === "tasks";
  return { created: engagement ? "hs_createdate" : "createdate", changed: "hs_lastmodifieddate" };
}

/** A public app, as its project configures it. The lists may be changed while the emulator runs. */
export type HubspotApp = {
  clientId: string;
  clientSecret: string;
  appId: number;
  redirectUris: string[];
  requiredScopes: string[];
  optionalScopes: string[];
};

/** An app comes into a portal, and goes. */
export type LifecycleAction = "APP_INSTALL" | "APP_UNINSTALL";

/** Why a value of a property is refused. */
export type PropertyFault = { name: string; error: string; message: string };
