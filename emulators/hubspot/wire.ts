import { linkName } from "./links.ts";
import type { Portal } from "./portal.ts";
import { defaultProperties } from "./seed.ts";
import { type ObjectType, objectTypes, type StoredRecord, toObjectType, type Values } from "./types.ts";

export type WireRecord = Record<string, unknown> & { id: string };

/** A record as the API tells it: strings or null, times in ISO. Names that no property has are left out. */
export function toWire(
  portal: Portal,
  type: ObjectType,
  record: StoredRecord,
  names: readonly string[] | "all" = [],
  values: Values = record.values,
): WireRecord {
  const properties: Record<string, string | null> = {};
  const wanted = names === "all" ? Object.keys(values) : names;
  for (const name of [...defaultProperties[type], ...wanted]) {
    if (portal.properties[type].has(name)) properties[name] = values[name] ?? null;
  }
  return {
    id: record.id,
    properties,
    createdAt: new Date(record.createdAt).toISOString(),
    updatedAt: new Date(record.updatedAt).toISOString(),
    archived: record.archivedAt !== undefined,
    ...(record.archivedAt === undefined ? {} : { archivedAt: new Date(record.archivedAt).toISOString() }),
  };
}

/** The `associations` of a record, for the types asked for; absent when there are none. */
export function wireLinks(
  portal: Portal,
  type: ObjectType,
  id: string,
  wanted: readonly string[],
): { associations?: Record<string, unknown> } {
  const associations: Record<string, unknown> = {};
  for (const text of wanted) {
    const to = toObjectType(text);
    if (!to) continue;
    const ids = [...portal.links.of(type, id, to).keys()];
    if (ids.length > 0) {
      associations[to] = { results: ids.map((toId) => ({ id: toId, type: linkName(type, to) })) };
    }
  }
  return Object.keys(associations).length > 0 ? { associations } : {};
}

/** All ids that a record is associated with, by type. */
export function linkedIds(portal: Portal, type: ObjectType, id: string): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const to of objectTypes) {
    const ids = [...portal.links.of(type, id, to).keys()];
    if (ids.length > 0) found[to] = ids;
  }
  return found;
}

/** The values of a list in a query, given with commas or several times. */
export function listOf(query: URLSearchParams, name: string): string[] {
  return query
    .getAll(name)
    .flatMap((text) => text.split(","))
    .map((text) => text.trim())
    .filter(Boolean);
}
