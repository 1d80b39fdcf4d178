import type { EmulatorReply } from "../contract.ts";
import { associate } from "./associating.ts";
import { batchReply, type Row, rowError, rowsOf } from "./batch.ts";
import { type CrmRequest, type CrmRoute, objectScope, type ScopeRule, typeParam } from "./crm-route.ts";
import { defaultTypeId, oppositeTypeId } from "./links.ts";
import { findRecord, type Portal } from "./portal.ts";
import { invalid, notFound, type Problem, problemReply, refuse } from "./refusals.ts";
import { nameOf, type ObjectType, typeIdOf } from "./types.ts";

/** unverified: reading the other side is enough to associate with it. */
const writeScopes =
  (from: number, to: number): ScopeRule =>
  (request) => [
    [objectScope(typeParam(request, from), "write")],
    [objectScope(typeParam(request, to), "read"), objectScope(typeParam(request, to), "write")],
  ];
const readScopes =
  (from: number, to: number): ScopeRule =>
  (request) => [
    [objectScope(typeParam(request, from), "read")],
    [objectScope(typeParam(request, to), "read")],
  ];

type Pair = { from: ObjectType; to: ObjectType };

/** `/crm/associations/<version>/<from>/<to>/batch/...` */
export function associationRoutes(portal: Portal): CrmRoute[] {
  const route = (
    verb: string,
    kind: string,
    scopes: (from: number, to: number) => ScopeRule,
    handle: (portal: Portal, pair: Pair, request: CrmRequest) => EmulatorReply,
  ): CrmRoute => ({
    method: "POST",
    area: "crm/associations",
    rest: `/([^/]+)/([^/]+)/batch/${verb}`,
    kind,
    scopes: scopes(0, 1),
    handle: (request) => handle(portal, pairOf(request, 0, 1), request),
  });
  return [
    route("associate/default", "associate", writeScopes, associateDefault),
    route("create", "associate labels", writeScopes, create),
    route("read", "associations read", readScopes, read),
    route("archive", "dissociate", writeScopes, archive),
    single(portal, "GET", "/([^/]+)/([^/]+)/associations/([^/]+)", "associations list", listOne),
    single(portal, "PUT", "/([^/]+)/([^/]+)/associations/default/([^/]+)/([^/]+)", "associate", associateOne),
  ];
}

function single(
  portal: Portal,
  method: string,
  rest: string,
  kind: string,
  handle: (portal: Portal, pair: Pair, request: CrmRequest) => EmulatorReply,
): CrmRoute {
  return {
    method,
    area: "crm/objects",
    rest,
    kind,
    scopes: method === "GET" ? readScopes(0, 2) : writeScopes(0, 2),
    handle: (request) => handle(portal, pairOf(request, 0, 2), request),
  };
}

function pairOf(request: CrmRequest, from: number, to: number): Pair {
  const pair = { from: typeParam(request, from), to: typeParam(request, to) };
  if (defaultTypeId(pair.from, pair.to) === undefined) {
    throw refuse(invalid(`No default association type exists between ${pair.from} and ${pair.to}`));
  }
  return pair;
}

/** unverified: how many rows one request takes; 2,000 as for the labelled form. */
const mostCreated = 2000;
const mostRead = 1000;
const mostArchived = 100;

function associateDefault(portal: Portal, pair: Pair, request: CrmRequest): EmulatorReply {
  const results: object[] = [];
  const errors: object[] = [];
  for (const row of rowsOf(request, mostCreated)) {
    const made = associate(portal, pair.from, endOf(row, "from"), pair.to, endOf(row, "to"));
    if (made) results.push(...defaultResults(pair, made.fromId, made.toId));
    else errors.push(rowError(unknownEnds(portal, pair, row)));
  }
  return batchReply(portal, request.version, 200, results as Record<string, unknown>[], errors, 200);
}

/** unverified: that both directions are told, not only the one asked for. */
function defaultResults(pair: Pair, fromId: string, toId: string): object[] {
  const told = (from: ObjectType, id: string, to: ObjectType, otherId: string) => ({
    from: { id },
    to: { id: otherId },
    associationSpec: {
      associationCategory: "HUBSPOT_DEFINED",
      associationTypeId: defaultTypeId(from, to),
    },
  });
  return [told(pair.from, fromId, pair.to, toId), told(pair.to, toId, pair.from, fromId)];
}

function create(portal: Portal, pair: Pair, request: CrmRequest): EmulatorReply {
  const results: Record<string, unknown>[] = [];
  const errors: object[] = [];
  for (const row of rowsOf(request, mostCreated)) {
    const types = Array.isArray(row["types"]) ? (row["types"] as { associationTypeId?: unknown }[]) : [];
    const typeIds = types.map((type) => Number(type.associationTypeId));
    const wrong = typeIds.find((id) => oppositeTypeId(pair.from, pair.to, id) === undefined);
    if (typeIds.length === 0 || wrong !== undefined) {
      errors.push(rowError(invalid(`Association type ${wrong ?? "(none)"} is not valid here`)));
      continue;
    }
    const [fromId, toId] = [endOf(row, "from"), endOf(row, "to")];
    const [here, there] = [findRecord(portal, pair.from, fromId), findRecord(portal, pair.to, toId)];
    if (!here || !there) {
      errors.push(rowError(unknownEnds(portal, pair, row)));
      continue;
    }
    // The labels of a pair are replaced, not added to.
    portal.links.remove(pair.from, here.id, pair.to, there.id);
    for (const typeId of [...typeIds, defaultTypeId(pair.from, pair.to)]) {
      associate(portal, pair.from, here.id, pair.to, there.id, typeId);
    }
    results.push({
      fromObjectTypeId: typeIdOf(pair.from),
      fromObjectId: Number(here.id),
      toObjectTypeId: typeIdOf(pair.to),
      toObjectId: Number(there.id),
      labels: [],
    });
  }
  const success = request.version === "2026-09" ? 200 : 201;
  return batchReply(portal, request.version, success, results, errors);
}

function read(portal: Portal, pair: Pair, request: CrmRequest): EmulatorReply {
  const results: Record<string, unknown>[] = [];
  const errors: object[] = [];
  for (const row of rowsOf(request, mostRead)) {
    const id = String(row["id"]);
    const to = linksOf(portal, pair, id);
    if (to.length > 0) results.push({ from: { id }, to });
    else {
      const message = `No ${pair.to} is associated with ${nameOf(pair.from).toUpperCase()} ${id}.`;
      const subCategory = "crm.associations.NO_ASSOCIATIONS_FOUND";
      const context = { fromObjectId: [id] };
      errors.push(rowError({ ...notFound, message, subCategory, context }));
    }
  }
  return batchReply(portal, request.version, 200, results, errors);
}

function linksOf(portal: Portal, pair: Pair, id: string): object[] {
  const fromId = findRecord(portal, pair.from, id)?.id ?? id;
  return [...portal.links.of(pair.from, fromId, pair.to)].map(([toId, typeIds]) => ({
    toObjectId: Number(toId),
    associationTypes: [...typeIds].map((typeId) => ({ category: "HUBSPOT_DEFINED", typeId, label: null })),
  }));
}

function archive(portal: Portal, pair: Pair, request: CrmRequest): EmulatorReply {
  for (const row of rowsOf(request, mostArchived)) {
    const from = findRecord(portal, pair.from, endOf(row, "from"));
    for (const { id } of (row["to"] as { id: unknown }[] | undefined) ?? []) {
      const to = findRecord(portal, pair.to, String(id));
      if (from && to) portal.links.remove(pair.from, from.id, pair.to, to.id);
    }
  }
  if (!request.version.startsWith("20")) return { status: 204 };
  return batchReply(portal, request.version, 200, [], []);
}

/** unverified: 2026-09 has no such path in its specification. */
function listOne(portal: Portal, pair: Pair, request: CrmRequest): EmulatorReply {
  if (request.version === "2026-09") return problemReply(notFound);
  const id = request.params[1] ?? "";
  if (!findRecord(portal, pair.from, id)) return problemReply(notFound);
  return { status: 200, body: { results: linksOf(portal, pair, id) } };
}

function associateOne(portal: Portal, pair: Pair, request: CrmRequest): EmulatorReply {
  const [fromId = "", toId = ""] = [request.params[1], request.params[3]];
  const made = associate(portal, pair.from, fromId, pair.to, toId);
  if (!made) return problemReply(unknownEnds(portal, pair, { from: { id: fromId }, to: { id: toId } }));
  return batchReply(
    portal,
    request.version,
    200,
    defaultResults(pair, made.fromId, made.toId) as Record<string, unknown>[],
    [],
  );
}

function endOf(row: Row, end: "from" | "to"): string {
  const id = (row[end] as { id?: unknown } | undefined)?.id;
  if (id === undefined)
    throw refuse(invalid(`Invalid input JSON: Some required fields were not set: [${end}]`));
  return String(id);
}

/** unverified: the words of this error. */
function unknownEnds(portal: Portal, pair: Pair, row: Row): Problem {
  const [fromId, toId] = [endOf(row, "from"), endOf(row, "to")];
  const wrong = [
    findRecord(portal, pair.from, fromId)
      ? []
      : [`${nameOf(pair.from).toUpperCase()}=${fromId} is not valid`],
    findRecord(portal, pair.to, toId) ? [] : [`${nameOf(pair.to).toUpperCase()}=${toId} is not valid`],
  ].flat();
  return {
    status: 400,
    category: "VALIDATION_ERROR",
    subCategory: "crm.associations.INVALID_OBJECT_IDS",
    message: `Create associations failed: ${wrong.join(", ")}`,
    context: { fromObjectId: [fromId], toObjectId: [toId] },
  };
}
