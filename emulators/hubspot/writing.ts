import { calculatedPhones } from "./phones.ts";
import { ownersOf, type Portal } from "./portal.ts";
import { invalid, type Problem } from "./refusals.ts";
import { requiredProperties } from "./seed.ts";
import {
  changeProperties,
  nameOf,
  type ObjectType,
  type PropertyFault,
  type StoredRecord,
  type Values,
} from "./types.ts";
import { propertyProblem, storeValue } from "./values.ts";

/** A write that was checked and can only succeed, or why it cannot be done. */
export type Plan = { problem: Problem } | { apply(): StoredRecord };

/** Unique values that earlier rows of the same request will take. */
export type Claims = Set<string>;

export function planCreate(
  portal: Portal,
  type: ObjectType,
  sent: unknown,
  claims: Claims = new Set(),
): Plan {
  const checked = check(portal, type, sent);
  if ("problem" in checked) return checked;
  const values = filled(checked.values);
  const missing = requiredProperties[type].filter((name) => !values[name]);
  if (missing.length > 0) {
    const subject = nameOf(type).toUpperCase();
    const context = { properties: missing };
    const message = `Error creating ${subject}. Some required properties were not set.`;
    return { problem: invalid(message, { context, errors: [{ message, context }] }) };
  }
  const problem = conflict(portal, type, undefined, values, claims);
  if (problem) return { problem };
  return {
    apply() {
      const box = portal.records[type];
      const record = box.add(values);
      record.values = stamped(portal, type, record, values);
      return record;
    },
  };
}

export function planUpdate(
  portal: Portal,
  type: ObjectType,
  record: StoredRecord,
  sent: unknown,
  claims: Claims = new Set(),
): Plan {
  const checked = check(portal, type, sent);
  if ("problem" in checked) return checked;
  if (Object.keys(checked.values).length === 0) {
    // unverified: for rows of a batch.
    return { problem: invalid("No properties found to update, please provide at least one.") };
  }
  const values = filled({ ...record.values, ...checked.values });
  const problem = conflict(portal, type, record, values, claims);
  if (problem) return { problem };
  return { apply: () => rewrite(portal, type, record, checked.values) };
}

/** Changes values without asking, as people, merges and HubSpot itself do. */
export function rewrite(
  portal: Portal,
  type: ObjectType,
  record: StoredRecord,
  values: Values,
): StoredRecord {
  const box = portal.records[type];
  const latest = box.get(record.id) ?? record;
  const changed = box.change(latest, filled({ ...latest.values, ...values }));
  changed.values = stamped(portal, type, changed, changed.values);
  return changed;
}

function check(
  portal: Portal,
  type: ObjectType,
  sent: unknown,
): { problem: Problem } | { values: Record<string, string> } {
  if (typeof sent !== "object" || sent === null || Array.isArray(sent)) {
    return { problem: invalid("Invalid input JSON: Some required fields were not set: [properties]") };
  }
  const isOwner = ownersOf(portal);
  const values: Record<string, string> = {};
  const faults: PropertyFault[] = [];
  for (const [name, value] of Object.entries(sent)) {
    const property = portal.properties[type].get(name);
    if (!property || property.archived) {
      const message = `Property "${name}" does not exist`;
      faults.push({ name, error: "PROPERTY_DOESNT_EXIST", message });
    } else if (property.modificationMetadata.readOnlyValue) {
      // unverified: the docs say that a PATCH ignores these and unknown ones; here every write refuses them.
      const message = `"${name}" is a read only property; its value cannot be set.`;
      faults.push({ name, error: "READ_ONLY_VALUE", message });
    } else {
      const stored = storeValue(property, value, isOwner);
      if (typeof stored === "string") values[name] = stored;
      else faults.push(stored);
    }
  }
  return faults.length > 0 ? { problem: propertyProblem(faults, portal.portalId) } : { values };
}

function conflict(
  portal: Portal,
  type: ObjectType,
  record: StoredRecord | undefined,
  values: Values,
  claims: Claims,
): Problem | undefined {
  for (const property of portal.properties[type].values()) {
    const value = values[property.name];
    if (!property.hasUniqueValue || !value) continue;
    const holder = portal.records[type].findByUnique(property.name, value);
    const claim = `${property.name} ${value}`;
    if (holder ? holder.id !== record?.id : claims.has(claim)) {
      return uniqueProblem(portal, type, property.name, value, record?.id, holder?.id);
    }
    claims.add(claim);
  }
  return undefined;
}

function uniqueProblem(
  portal: Portal,
  type: ObjectType,
  name: string,
  value: string,
  id = "0",
  holder = "0",
): Problem {
  if (type === "contacts" && name === "email") {
    const message = `Contact already exists. Existing ID: ${holder}`;
    return { status: 409, category: "CONFLICT", message };
  }
  const coordinates = `portalId=${portal.portalId}, objectTypeId=${nameOf(type).toUpperCase()}, propertyName=${name}, value=${value}`;
  const message = `Cannot set PropertyValueCoordinates{${coordinates}} on ${id}. ${holder} already has that value.`;
  const result = {
    isValid: false,
    message,
    error: "CONFLICTING_UNIQUE_VALUE",
    errorTokens: { propertyValue: [value], existingObjectId: [holder], propertyName: [name] },
    name,
  };
  return invalid(`Property values were not valid: ${JSON.stringify([result])}`, {
    errors: [
      {
        message,
        code: "UNIQUE_VALUE_CONFLICT",
        context: { propertyName: [name], existingObjectId: [holder] },
      },
    ],
  });
}

/** The values with what HubSpot adds by itself: ids, times, derived phone numbers. */
function stamped(portal: Portal, type: ObjectType, record: StoredRecord, values: Values): Values {
  const { created, changed } = changeProperties(type);
  return filled({
    ...values,
    hs_object_id: record.id,
    [created]: new Date(record.createdAt).toISOString(),
    [changed]: new Date(record.updatedAt).toISOString(),
    ...(type === "contacts" ? calculatedPhones(values, portal.region) : {}),
  });
}

function filled(values: Readonly<Record<string, string>>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(values)) if (value !== "") kept[name] = value;
  return kept;
}
