import type { EmulatorReply } from "../contract.ts";
import { type CrmRequest, type CrmRoute, objectScope, typeParam } from "./crm-route.ts";
import { isNatural, narrow } from "./generated-contacts.ts";
import type { Portal } from "./portal.ts";
import { compare, meets } from "./search-filter.ts";
import { mostReachable, readSearch, type Search } from "./search-request.ts";
import type { ObjectType, StoredRecord, Values } from "./types.ts";
import { toWire } from "./wire.ts";

/** `indexLagMs` is asked at every search: what changed less than that ago is found as it was before. */
export function searchRoute(portal: Portal, indexLagMs: () => number): CrmRoute {
  return {
    method: "POST",
    area: "crm/objects",
    rest: "/([^/]+)/search",
    kind: "search",
    scopes: (request) => [[objectScope(typeParam(request), "read")]],
    handle: (request) => search(portal, request, portal.now() - indexLagMs()),
  };
}

type Hit = { record: StoredRecord; values: Values; updatedAt: number };

function search(portal: Portal, request: CrmRequest, indexedAt: number): EmulatorReply {
  const type = typeParam(request);
  const asked = readSearch(request, portal.properties[type], portal.strictSearch);
  const { hits, total } = findHits(portal, type, asked, indexedAt);
  const end = asked.after + asked.limit;
  const results = hits
    .sort(order(asked))
    .slice(asked.after, end)
    .map(({ record, values, updatedAt }) => {
      const asIndexed = { ...record, updatedAt };
      return toWire(portal, type, asIndexed, asked.properties, values);
    });
  const paging = end < total ? { paging: { next: { after: String(end) } } } : {};
  return { status: 200, body: { total, results, ...paging } };
}

function findHits(portal: Portal, type: ObjectType, asked: Search, indexedAt: number) {
  const { stored, generated } = portal.records[type];
  const hits: Hit[] = [];
  let total = 0;
  for (const record of stored.values()) {
    const hit = indexed(record, indexedAt);
    if (!hit || !matches(hit.values, asked, portal, type)) continue;
    hits.push(hit);
    total += 1;
  }
  if (!generated) return { hits, total };
  // Those that no page can reach are only counted.
  const reachable = isNatural(asked) ? mostReachable : Number.POSITIVE_INFINITY;
  let kept = 0;
  for (const index of narrow(generated, asked)) {
    if (stored.has(String(generated.first + index))) continue;
    const record = generated.make(index);
    if (!matches(record.values, asked, portal, type)) continue;
    total += 1;
    if (kept >= reachable) continue;
    kept += 1;
    hits.push({ record, values: record.values, updatedAt: record.updatedAt });
  }
  return { hits, total };
}

/** A record as the index knows it: archived and too new ones are not there. */
function indexed(record: StoredRecord, at: number): Hit | undefined {
  if (record.updatedAt <= at) {
    const { values, updatedAt } = record;
    return record.archivedAt === undefined ? { record, values, updatedAt } : undefined;
  }
  const version = record.versions.findLast(({ from }) => from <= at);
  if (!version) return undefined;
  return { record, values: version.values, updatedAt: version.from };
}

function matches(values: Values, asked: Search, portal: Portal, type: ObjectType): boolean {
  const inGroups =
    asked.groups.length === 0 ||
    asked.groups.some((filters) => filters.every((filter) => meets(values, filter)));
  return inGroups && (asked.query === "" || matchesQuery(values, asked.query, portal, type));
}

/** unverified: which properties a free query looks at; here all texts. */
function matchesQuery(values: Values, query: string, portal: Portal, type: ObjectType): boolean {
  return Object.entries(values).some(
    ([name, value]) =>
      portal.properties[type].get(name)?.type === "string" && value.toLowerCase().includes(query),
  );
}

function order({ sort }: Search): (left: Hit, right: Hit) => number {
  const byId = (left: Hit, right: Hit) => Number(left.record.id) - Number(right.record.id);
  if (!sort) return byId;
  const { property, descending } = sort;
  return (left, right) => {
    const [a, b] = [left.values[property.name], right.values[property.name]];
    if (a === undefined || b === undefined) {
      return a === b ? byId(left, right) : a === undefined ? 1 : -1;
    }
    return (descending ? -1 : 1) * compare(property, a, b) || byId(left, right);
  };
}
