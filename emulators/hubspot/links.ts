import { nameOf, type ObjectType } from "./types.ts";

/** Ids of the default association types, by direction. */
const defaultTypes: Record<string, number> = {
  "calls contacts": 194,
  "contacts calls": 193,
  "calls companies": 182,
  "companies calls": 181,
  "calls deals": 206,
  "deals calls": 205,
  "calls tickets": 220,
  "tickets calls": 219,
  "tasks contacts": 204,
  "contacts tasks": 203,
  "tasks companies": 192,
  "companies tasks": 191,
  "tasks deals": 216,
  "deals tasks": 215,
  "tasks tickets": 230,
  "tickets tasks": 229,
  "contacts companies": 279,
  "companies contacts": 280,
  "contacts deals": 4,
  "deals contacts": 3,
  "contacts tickets": 15,
  "tickets contacts": 16,
  "deals companies": 341,
  "companies deals": 342,
  "tickets companies": 339,
  "companies tickets": 340,
  "deals tickets": 27,
  "tickets deals": 28,
};

/** Types of the primary company, which stand next to the default one. */
const primaryTypes: Record<string, [number, number]> = {
  "contacts companies": [1, 2],
  "deals companies": [5, 6],
  "tickets companies": [26, 25],
};

export function defaultTypeId(from: ObjectType, to: ObjectType): number | undefined {
  return defaultTypes[`${from} ${to}`];
}

/** The id of the same association seen from the other side; undefined when there is no such type. */
export function oppositeTypeId(from: ObjectType, to: ObjectType, typeId: number): number | undefined {
  if (defaultTypeId(from, to) === typeId) return defaultTypeId(to, from);
  const forth = primaryTypes[`${from} ${to}`];
  if (forth?.[0] === typeId) return forth[1];
  const back = primaryTypes[`${to} ${from}`];
  return back?.[1] === typeId ? back[0] : undefined;
}

/** The name of an association in the answer of an object: `call_to_contact`. */
export function linkName(from: ObjectType, to: ObjectType): string {
  return `${nameOf(from)}_to_${nameOf(to)}`;
}

export type Links = ReturnType<typeof createLinks>;

/** Which records belong together, by association types; each association is known on both sides. */
export function createLinks() {
  const sides = new Map<string, Map<ObjectType, Map<string, Set<number>>>>();
  return { add, remove, of, move, drop };

  function of(type: ObjectType, id: string, to: ObjectType): ReadonlyMap<string, ReadonlySet<number>> {
    return sides.get(`${type} ${id}`)?.get(to) ?? new Map();
  }

  function add(from: ObjectType, fromId: string, to: ObjectType, toId: string, typeId: number): void {
    put(from, fromId, to, toId, typeId);
    const opposite = oppositeTypeId(from, to, typeId);
    if (opposite !== undefined) put(to, toId, from, fromId, opposite);
  }

  function put(from: ObjectType, fromId: string, to: ObjectType, toId: string, typeId: number): void {
    const key = `${from} ${fromId}`;
    const byType = sides.get(key) ?? new Map<ObjectType, Map<string, Set<number>>>();
    sides.set(key, byType);
    const byId = byType.get(to) ?? new Map<string, Set<number>>();
    byType.set(to, byId);
    byId.set(toId, (byId.get(toId) ?? new Set()).add(typeId));
  }

  function remove(from: ObjectType, fromId: string, to: ObjectType, toId: string): void {
    sides.get(`${from} ${fromId}`)?.get(to)?.delete(toId);
    sides.get(`${to} ${toId}`)?.get(from)?.delete(fromId);
  }

  /** All associations of one record become another's, as a merge does. */
  function move(type: ObjectType, fromId: string, toId: string): void {
    for (const [to, byId] of [...(sides.get(`${type} ${fromId}`) ?? [])]) {
      for (const [otherId, typeIds] of [...byId]) {
        remove(type, fromId, to, otherId);
        for (const typeId of typeIds) add(type, toId, to, otherId, typeId);
      }
    }
  }
  /** All associations of one record end. */
  function drop(type: ObjectType, id: string): void {
    for (const [to, byId] of [...(sides.get(`${type} ${id}`) ?? [])]) {
      for (const otherId of [...byId.keys()]) remove(type, id, to, otherId);
    }
  }
}
