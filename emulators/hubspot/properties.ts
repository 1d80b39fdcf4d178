import type { EmulatorReply } from "../contract.ts";
import {
  bodyOf,
  type CrmRequest,
  type CrmRoute,
  objectScope,
  type ScopeRule,
  typeParam,
} from "./crm-route.ts";
import { define } from "./definitions.ts";
import type { Portal } from "./portal.ts";
import { invalid, notFound, problemReply, refuse } from "./refusals.ts";
import type { ObjectType, Property, PropertyOption, PropertyType } from "./types.ts";

const mostUnique = 10;

const readScopes: ScopeRule = (request) => {
  const type = typeParam(request);
  return [[objectScope(type, "read"), schemaScope(type, "read")]];
};
const writeScopes: ScopeRule = (request) => [[schemaScope(typeParam(request), "write")]];

/** unverified: properties of calls and tasks go by the schema scopes of contacts. */
function schemaScope(type: ObjectType, right: "read" | "write"): string {
  const name = type === "calls" || type === "tasks" ? "contacts" : type;
  return `crm.schemas.${name}.${right}`;
}

/** `/crm/properties/<version>/<type>` and below. */
export function propertyRoutes(portal: Portal): CrmRoute[] {
  const base = { area: "crm/properties" };
  const [list, one] = ["/([^/]+)", "/([^/]+)/([^/]+)"];
  const groups = "/([^/]+)/groups";
  const changing = { ...base, kind: "property write", scopes: writeScopes };
  const reading = { ...base, kind: "properties", scopes: readScopes };
  return [
    { ...reading, method: "GET", rest: groups, handle: (request) => listGroups(portal, request) },
    { ...changing, method: "POST", rest: groups, handle: (request) => createGroup(portal, request) },
    { ...reading, method: "GET", rest: list, handle: (request) => listAll(portal, request) },
    { ...reading, method: "GET", rest: one, handle: (request) => getOne(portal, request) },
    { ...changing, method: "POST", rest: list, handle: (request) => create(portal, request) },
    { ...changing, method: "DELETE", rest: one, handle: (request) => remove(portal, request) },
  ];
}

function listAll(portal: Portal, request: CrmRequest): EmulatorReply {
  const archived = request.query.get("archived") === "true";
  const all = [...portal.properties[typeParam(request)].values()];
  const results = all.filter((property) => property.archived === archived);
  return { status: 200, body: { results: results.map((property) => told(portal, property)) } };
}

function getOne(portal: Portal, request: CrmRequest): EmulatorReply {
  const property = portal.properties[typeParam(request)].get(request.params[1] ?? "");
  if (!property || property.archived) return problemReply(notFound);
  return { status: 200, body: told(portal, property) };
}

/** The options of an owner property are the owners. */
function told(portal: Portal, property: Property): Property {
  if (property.referencedObjectType !== "OWNER") return property;
  const options: PropertyOption[] = [...portal.owners.values()]
    .filter((owner) => !owner.archived)
    .map((owner, displayOrder) => ({
      label: `${owner.firstName} ${owner.lastName}`.trim() || owner.email,
      value: owner.id,
      displayOrder,
      hidden: false,
    }));
  return { ...property, options };
}

const fieldTypes: Record<PropertyType, readonly string[]> = {
  string: ["text", "textarea", "html", "phonenumber", "file"],
  number: ["number"],
  bool: ["booleancheckbox"],
  datetime: ["date"],
  date: ["date"],
  enumeration: ["select", "radio", "checkbox", "booleancheckbox"],
};

function create(portal: Portal, request: CrmRequest): EmulatorReply {
  const type = typeParam(request);
  const body = bodyOf(request);
  const missing = ["name", "label", "type", "fieldType", "groupName"].filter((name) => !body[name]);
  if (missing.length > 0) {
    const message = `Invalid input JSON: Some required fields were not set: [${missing.join(", ")}]`;
    return problemReply(invalid(message));
  }
  const [name, groupName] = [String(body["name"]), String(body["groupName"])];
  const propertyType = body["type"] as PropertyType;
  if (!/^[a-z][a-z0-9_]{0,99}$/.test(name)) {
    const message = `Property name "${name}" is not valid: lower-case letters, digits and underscores, a letter first`;
    return problemReply(invalid(message));
  }
  if (name.startsWith("hs_")) return problemReply(invalid(`Property name "${name}" is reserved`));
  if (portal.properties[type].has(name)) {
    const message = `A property named '${name}' already exists.`;
    const subCategory = "Properties.PROPERTY_WITH_NAME_EXISTS";
    return problemReply({ status: 409, category: "OBJECT_ALREADY_EXISTS", message, subCategory });
  }
  if (!portal.groups[type].has(groupName)) {
    return problemReply(invalid(`Property group ${groupName} does not exist for ${type}`));
  }
  if (!fieldTypes[propertyType]?.includes(String(body["fieldType"]))) {
    return problemReply(
      invalid(`fieldType ${String(body["fieldType"])} does not go with type ${propertyType}`),
    );
  }
  const hasUniqueValue = body["hasUniqueValue"] === true;
  if (hasUniqueValue) refuseUnique(portal, type, propertyType);
  const made = new Date(portal.now()).toISOString();
  const property: Property = {
    ...define(name, propertyType, String(body["label"])),
    description: String(body["description"] ?? ""),
    groupName,
    fieldType: String(body["fieldType"]),
    options: (body["options"] as PropertyOption[] | undefined) ?? [],
    hasUniqueValue,
    hidden: body["hidden"] === true,
    formField: body["formField"] === true,
    hubspotDefined: false,
    modificationMetadata: { archivable: true, readOnlyDefinition: false, readOnlyValue: false },
    createdAt: made,
    updatedAt: made,
  };
  portal.properties[type].set(name, property);
  return { status: 201, body: property };
}

/** unverified: that portals take unique properties on calls and tasks at all. */
function refuseUnique(portal: Portal, type: ObjectType, propertyType: PropertyType): void {
  if ((type === "calls" || type === "tasks") && !portal.callUnique) {
    throw refuse(invalid(`Unique properties are not supported for object type ${type}`));
  }
  if (propertyType !== "string" && propertyType !== "number") {
    throw refuse(invalid(`A property of type ${propertyType} cannot have unique values`));
  }
  const own = [...portal.properties[type].values()].filter(
    (property) => property.hasUniqueValue && !property.hubspotDefined && !property.archived,
  );
  if (own.length < mostUnique) return;
  throw refuse(invalid(`The limit of ${mostUnique} unique properties for ${type} has been reached`));
}

function remove(portal: Portal, request: CrmRequest): EmulatorReply {
  const property = portal.properties[typeParam(request)].get(request.params[1] ?? "");
  if (!property) return problemReply(notFound);
  if (!property.modificationMetadata.archivable) {
    return problemReply(invalid(`Property ${property.name} is defined by HubSpot and cannot be archived`));
  }
  property.archived = true;
  return { status: 204 };
}

function listGroups(portal: Portal, request: CrmRequest): EmulatorReply {
  return { status: 200, body: { results: [...portal.groups[typeParam(request)].values()] } };
}

function createGroup(portal: Portal, request: CrmRequest): EmulatorReply {
  const type = typeParam(request);
  const { name, label, displayOrder } = bodyOf(request);
  if (!name || !label) {
    return problemReply(invalid("Invalid input JSON: Some required fields were not set: [name, label]"));
  }
  if (portal.groups[type].has(String(name))) {
    const message = `A property group named '${String(name)}' already exists.`;
    return problemReply({ status: 409, category: "OBJECT_ALREADY_EXISTS", message });
  }
  const group = {
    name: String(name),
    label: String(label),
    displayOrder: Number(displayOrder ?? -1),
    archived: false,
  };
  portal.groups[type].set(group.name, group);
  return { status: 201, body: group };
}
