import type { EmulatorReply } from "../contract.ts";
import { checkLinks, linkAll } from "./associating.ts";
import { batchReply, type Row, refuseDuplicates, rowError, rowsOf, writeBatch } from "./batch.ts";
import { bodyOf, type CrmRequest, type CrmRoute, objectScope, typeParam } from "./crm-route.ts";
import { findRecord, type Portal } from "./portal.ts";
import { uniqueKey } from "./records.ts";
import { invalid, notFound, type Problem, refuse } from "./refusals.ts";
import { nameOf, type ObjectType, type StoredRecord, typeIdOf } from "./types.ts";
import { toWire } from "./wire.ts";
import { type Claims, type Plan, planCreate, planUpdate } from "./writing.ts";

const scope = (right: "read" | "write") => (request: CrmRequest) => [
  [objectScope(typeParam(request), right)],
];

/** `/crm/objects/<version>/<type>/batch/...` */
export function objectBatchRoutes(portal: Portal): CrmRoute[] {
  const route = (
    verb: string,
    kind: string,
    right: "read" | "write",
    handle: (portal: Portal, request: CrmRequest) => EmulatorReply,
  ): CrmRoute => ({
    method: "POST",
    area: "crm/objects",
    rest: `/([^/]+)/batch/${verb}`,
    kind,
    scopes: scope(right),
    handle: (request) => handle(portal, request),
  });
  return [
    route("create", "batch create", "write", create),
    route("read", "batch read", "read", read),
    route("update", "batch update", "write", update),
    route("upsert", "upsert", "write", upsert),
    route("archive", "batch archive", "write", archive),
  ];
}

function create(portal: Portal, request: CrmRequest): EmulatorReply {
  const type = typeParam(request);
  const claims: Claims = new Set();
  return writeBatch(portal, request, 201, (row) => {
    const plan = planCreate(portal, type, row["properties"], claims);
    if ("problem" in plan) return plan;
    const problem = checkLinks(portal, type, row["associations"]);
    if (problem) return { problem };
    return {
      apply() {
        const record = plan.apply();
        linkAll(portal, type, record.id, row["associations"]);
        return toWire(portal, type, record, "all");
      },
    };
  });
}

function update(portal: Portal, request: CrmRequest): EmulatorReply {
  const type = typeParam(request);
  refuseDuplicates(rowsOf(request).map((row) => rowKey(row)));
  const claims: Claims = new Set();
  return writeBatch(portal, request, 200, (row) => {
    const record = findByRow(portal, type, row);
    if (!record) return { problem: absent(type, [String(row["id"])]) };
    return told(portal, type, row, planUpdate(portal, type, record, row["properties"], claims));
  });
}

function upsert(portal: Portal, request: CrmRequest): EmulatorReply {
  const type = typeParam(request);
  refuseDuplicates(rowsOf(request).map((row) => rowKey(row)));
  const claims: Claims = new Set();
  return writeBatch(portal, request, 200, (row) => {
    const idProperty = idPropertyOf(portal, type, row["idProperty"], "upsert");
    const record = findByRow(portal, type, row);
    if (record) {
      const plan = planUpdate(portal, type, record, row["properties"], claims);
      return told(portal, type, row, plan, { new: false });
    }
    if (idProperty === undefined) return { problem: absent(type, [String(row["id"])]) };
    const properties = { [idProperty]: String(row["id"]), ...(row["properties"] as object) };
    return told(portal, type, row, planCreate(portal, type, properties, claims), { new: true });
  });
}

/** A written row as the answer tells it: what was sent, as it is stored now. */
function told(portal: Portal, type: ObjectType, row: Row, plan: Plan, more: object = {}) {
  if ("problem" in plan) return plan;
  const idProperty = row["idProperty"] === undefined ? [] : [String(row["idProperty"])];
  const names = [...idProperty, ...Object.keys(row["properties"] ?? {})];
  return { apply: () => ({ ...toWire(portal, type, plan.apply(), names), ...more }) };
}

function read(portal: Portal, request: CrmRequest): EmulatorReply {
  const type = typeParam(request);
  const body = bodyOf(request);
  const names = Array.isArray(body["properties"]) ? body["properties"].map(String) : [];
  const inArchive = request.query.get("archived") === "true";
  const found = new Map<string, Record<string, unknown>>();
  const missing: string[] = [];
  for (const row of rowsOf(request)) {
    const withProperty = { ...row, idProperty: body["idProperty"] };
    idPropertyOf(portal, type, body["idProperty"], "read");
    const record = findByRow(portal, type, withProperty, inArchive);
    if (record) found.set(record.id, toWire(portal, type, record, names));
    else missing.push(String(row["id"]));
  }
  const errors = missing.length > 0 ? [rowError(absent(type, missing))] : [];
  return batchReply(portal, request.version, 200, [...found.values()], errors);
}

function archive(portal: Portal, request: CrmRequest): EmulatorReply {
  const type = typeParam(request);
  for (const row of rowsOf(request)) {
    const record = findRecord(portal, type, String(row["id"]));
    if (record) portal.records[type].archive(record);
  }
  return { status: 204 };
}

/** How a row names its record, to tell rows apart. */
function rowKey(row: Row): string {
  return uniqueKey(String(row["idProperty"] ?? ""), String(row["id"]));
}

/** The record that a row names by id or by a unique property. */
export function findByRow(
  portal: Portal,
  type: ObjectType,
  row: Row,
  inArchive = false,
): StoredRecord | undefined {
  const id = String(row["id"] ?? "");
  const idProperty = idPropertyOf(portal, type, row["idProperty"], "update");
  const box = portal.records[type];
  if (idProperty !== undefined) return box.findByUnique(idProperty, id, inArchive);
  if (!inArchive) return box.current(id);
  const record = box.get(id);
  return record?.archivedAt === undefined ? undefined : record;
}

/** The unique property that rows go by; undefined for the record's own id. Refuses one that is not unique. */
function idPropertyOf(portal: Portal, type: ObjectType, sent: unknown, action: string): string | undefined {
  if (sent === undefined || sent === null || sent === "" || sent === "hs_object_id") return undefined;
  const name = String(sent);
  if (portal.properties[type].get(name)?.hasUniqueValue) return name;
  const message = `Unable to perform ${action} by non-unique ${typeIdOf(type)} property ${name} in portal ID ${portal.portalId}`;
  throw refuse(invalid(message, { context: { propertyName: [name] } }));
}

export function absent(type: ObjectType, ids: string[]): Problem {
  const subject = nameOf(type).toUpperCase();
  const message = `Could not get some ${subject} objects, they may be deleted or not exist. Check that ids are valid.`;
  return { ...notFound, message, context: { ids } };
}
