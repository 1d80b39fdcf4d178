import { type ExtraProperty, extraProperty } from "./definitions.ts";
import { createLinks, type Links } from "./links.ts";
import { createRecordBox, type Generated, type RecordBox } from "./records.ts";
import { groupNames, seedProperties } from "./seed.ts";
import {
  type ContactChange,
  type ObjectType,
  type OwnerRecord,
  objectTypes,
  type Property,
  type PropertyGroup,
  type StoredRecord,
} from "./types.ts";

export type Limits = { general: number; perMs: number; search: number; searchPerMs: number };

/** One account with all that it holds. What may be set while it runs stands in `settings`. */
export type Portal = {
  portalId: number;
  region: string;
  now: () => number;
  callUnique: boolean;
  /** Whether searches without all members that the published specification requires are refused. */
  strictSearch: boolean;
  records: Record<ObjectType, RecordBox>;
  properties: Record<ObjectType, Map<string, Property>>;
  groups: Record<ObjectType, Map<string, PropertyGroup>>;
  owners: Map<string, OwnerRecord>;
  links: Links;
  /** Recordings that were announced, by call. */
  readyRecordings: Set<string>;
  nextId: () => string;
  shuffle<T>(list: T[]): T[];
};

export type PortalOptions = {
  now: () => number;
  portalId: number;
  region: string;
  callUnique: boolean;
  strictSearch: boolean;
  shuffle: boolean;
  properties: readonly ExtraProperty[];
  contacts?: Generated;
  /** Hears every change of a contact. */
  onContactChange?: (change: ContactChange) => void;
};

const firstMadeId = 30_000_000_001;

export function createPortal(options: PortalOptions): Portal {
  const { now, contacts, onContactChange } = options;
  let lastId = firstMadeId;
  const nextId = () => String(lastId++);
  const properties = ofEach(() => new Map<string, Property>());
  const groups = ofEach(() => new Map<string, PropertyGroup>());
  for (const type of objectTypes) {
    for (const property of seedProperties(type)) addProperty(type, property);
  }
  for (const extra of options.properties) {
    addProperty(extra.objectType, extraProperty(extra, groupNames[extra.objectType]));
  }
  const random = seededRandom(20_260_330);
  return {
    portalId: options.portalId,
    region: options.region,
    now,
    callUnique: options.callUnique,
    strictSearch: options.strictSearch,
    records: ofEach((type) =>
      createRecordBox({
        type,
        now,
        nextId,
        uniqueNames: () => uniqueNames(properties[type]),
        ...(type === "contacts" && contacts ? { generated: contacts } : {}),
        ...(type === "contacts" && onContactChange ? { onChange: onContactChange } : {}),
      }),
    ),
    properties,
    groups,
    owners: new Map(),
    links: createLinks(),
    readyRecordings: new Set(),
    nextId,
    shuffle: (list) => (options.shuffle ? shuffled(list, random) : list),
  };

  function addProperty(type: ObjectType, property: Property): void {
    properties[type].set(property.name, property);
    const name = property.groupName;
    if (groups[type].has(name)) return;
    groups[type].set(name, { name, label: name, displayOrder: 0, archived: false });
  }
}

function ofEach<T>(make: (type: ObjectType) => T): Record<ObjectType, T> {
  return Object.fromEntries(objectTypes.map((type) => [type, make(type)])) as Record<ObjectType, T>;
}

function uniqueNames(properties: ReadonlyMap<string, Property>): string[] {
  return [...properties.values()].filter((property) => property.hasUniqueValue).map(({ name }) => name);
}

function shuffled<T>(list: T[], random: () => number): T[] {
  const mixed = [...list];
  for (let last = mixed.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [mixed[last], mixed[other]] = [mixed[other] as T, mixed[last] as T];
  }
  return mixed;
}

/** The same numbers in every run (mulberry32). */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function ownersOf(portal: Portal): (id: string) => boolean {
  // Unverified: what becomes of an owner who was archived; public reports name it as a reason of refusal.
  return (id) => portal.owners.get(id)?.archived === false;
}

/** The record behind an id, merged ones resolved; archived and unknown ones are absent. */
export function findRecord(portal: Portal, type: ObjectType, id: string): StoredRecord | undefined {
  return portal.records[type].current(id);
}
