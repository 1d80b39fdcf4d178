import type { EmulatorReply } from "../contract.ts";
import { checkLinks, linkAll } from "./associating.ts";
import { bodyOf, type CrmRequest, type CrmRoute, objectScope, typeParam } from "./crm-route.ts";
import { absent, findByRow } from "./object-batches.ts";
import type { Portal } from "./portal.ts";
import { invalid, problemReply, refuse } from "./refusals.ts";
import type { ObjectType, StoredRecord } from "./types.ts";
import { listOf, toWire, wireLinks } from "./wire.ts";
import { planCreate, planUpdate } from "./writing.ts";

/** `/crm/objects/<version>/<type>` and one object below it. */
export function objectRoutes(portal: Portal): CrmRoute[] {
  const route = (
    method: string,
    rest: string,
    kind: string,
    handle: (portal: Portal, type: ObjectType, request: CrmRequest) => EmulatorReply,
  ): CrmRoute => ({
    method,
    area: "crm/objects",
    rest,
    kind,
    scopes: (request) => [[objectScope(typeParam(request), method === "GET" ? "read" : "write")]],
    handle: (request) => handle(portal, typeParam(request), request),
  });
  return [
    route("GET", "/([^/]+)", "list", list),
    route("POST", "/([^/]+)", "create", create),
    route("GET", "/([^/]+)/([^/]+)", "get", get),
    route("PATCH", "/([^/]+)/([^/]+)", "update", patch),
    route("DELETE", "/([^/]+)/([^/]+)", "archive", archive),
  ];
}

const mostListed = 100;

/** The `limit` of a query, refused when it is no number from 1 to `most`. */
export function limitOf(request: CrmRequest, most: number, usual: number): number {
  const text = request.query.get("limit") ?? "";
  if (text === "") return usual;
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= most) return limit;
  throw refuse(invalid(`limit must be between 1 and ${most}, it is ${text}`));
}

function list(portal: Portal, type: ObjectType, request: CrmRequest): EmulatorReply {
  const limit = limitOf(request, mostListed, 10);
  const after = request.query.get("after") || undefined;
  if (after !== undefined && !/^\d+$/.test(after)) throw refuse(invalid(`after is not valid: ${after}`));
  const results: object[] = [];
  let last: StoredRecord | undefined;
  let more = false;
  for (const record of portal.records[type].page(after, request.query.get("archived") === "true")) {
    more = results.length === limit;
    if (more) break;
    results.push(told(portal, type, record, request));
    last = record;
  }
  const next = last && more ? { after: last.id, link: linkTo(request, last.id) } : undefined;
  return { status: 200, body: { results, ...(next ? { paging: { next } } : {}) } };
}

function linkTo(request: CrmRequest, after: string): string {
  const query = new URLSearchParams(request.query);
  query.set("after", after);
  return `https://api.hubapi.com${request.path}?${query}`;
}

function create(portal: Portal, type: ObjectType, request: CrmRequest): EmulatorReply {
  const body = bodyOf(request);
  const plan = planCreate(portal, type, body["properties"]);
  if ("problem" in plan) return problemReply(plan.problem);
  const problem = checkLinks(portal, type, body["associations"]);
  if (problem) return problemReply(problem);
  const record = plan.apply();
  linkAll(portal, type, record.id, body["associations"]);
  return { status: 201, body: toWire(portal, type, record, "all") };
}

function get(portal: Portal, type: ObjectType, request: CrmRequest): EmulatorReply {
  return { status: 200, body: told(portal, type, find(portal, type, request), request) };
}

function patch(portal: Portal, type: ObjectType, request: CrmRequest): EmulatorReply {
  const record = find(portal, type, request);
  const { properties } = bodyOf(request);
  const plan = planUpdate(portal, type, record, properties);
  if ("problem" in plan) return problemReply(plan.problem);
  return { status: 200, body: toWire(portal, type, plan.apply(), Object.keys(properties ?? {})) };
}

/** Archiving twice, or archiving nothing, is no error. */
function archive(portal: Portal, type: ObjectType, request: CrmRequest): EmulatorReply {
  const record = portal.records[type].current(request.params[1] ?? "");
  if (record) portal.records[type].archive(record);
  return { status: 204 };
}

function find(portal: Portal, type: ObjectType, request: CrmRequest): StoredRecord {
  const row = { id: request.params[1], idProperty: request.query.get("idProperty") };
  const record = findByRow(portal, type, row, request.query.get("archived") === "true");
  if (record) return record;
  throw refuse({ ...absent(type, [String(row.id)]), message: "resource not found" });
}

function told(portal: Portal, type: ObjectType, record: StoredRecord, request: CrmRequest): object {
  return {
    ...toWire(portal, type, record, listOf(request.query, "properties")),
    ...wireLinks(portal, type, record.id, listOf(request.query, "associations")),
  };
}
