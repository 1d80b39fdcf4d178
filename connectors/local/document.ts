import { type Contact, numbersOf, type Owner } from "../../src/core/contact.ts";
import type { JsonObject } from "../../src/lib/body.ts";
import { renderRecord } from "./record.ts";
import { contactOf, type List, lists, ownerOf } from "./shapes.ts";
import { packedTexts, type Texts } from "./texts.ts";

/**
 * The file in memory. A record is held as its text in the file: compact, and ready to be written again. Only contacts
 * and owners are held as objects too; an activity is parsed when it is needed. `members` has the file's own order: our
 * lists as the texts of their records, other members as their bytes.
 */
export type Document = {
  members: Map<string, Buffer | Texts>;
  contacts: Map<string, Contact>;
  contactsByNumber: Map<string, Contact[]>;
  owners: Owner[];
  activityPlaces: Places;
  taskPlaces: Places;
  lastIds: Record<List, number>;
  /** Grows with each change of a record; the file is written only after a change. */
  edits: number;
  contactsDigest?: string;
};

/** The places of a list's records, by their id and by the call's key. */
type Places = { byId: Map<string, number>; byKey: Map<string, number> };

export function emptyDocument(): Document {
  return {
    members: new Map(),
    contacts: new Map(),
    contactsByNumber: new Map(),
    owners: [],
    activityPlaces: { byId: new Map(), byKey: new Map() },
    taskPlaces: { byId: new Map(), byKey: new Map() },
    lastIds: { contacts: 0, owners: 0, activities: 0, tasks: 0 },
    edits: 0,
  };
}

/** What a new file starts with. */
export function newDocument(): Document {
  const document = emptyDocument();
  for (const list of ["contacts", "owners", "activities"] as const) document.members.set(list, packedTexts());
  return document;
}

export function isList(name: string): name is List {
  return lists.some((list) => list === name);
}

export function textsOf(document: Document, list: List): Texts {
  const texts = document.members.get(list);
  if (texts && !Buffer.isBuffer(texts)) return texts;
  const none = packedTexts();
  document.members.set(list, none);
  return none;
}

/**
 * Adds a record, whose text is in its place, to the document. Of two with the same id or key the first one is used.
 */
export function takeRecord(
  document: Document,
  { list, record, place }: { list: List; record: JsonObject; place: number },
  region: string,
): void {
  const id = String(record["id"]);
  const { lastIds } = document;
  if (/^\d{1,15}$/.test(id)) lastIds[list] = Math.max(lastIds[list], Number(id));
  if (list === "contacts") takeContact(document, contactOf(record), region);
  if (list === "owners") document.owners.push(ownerOf(record));
  if (list === "activities") takePlace(document.activityPlaces, id, record["key"], place);
  if (list === "tasks") takePlace(document.taskPlaces, id, record["key"], place);
}

/** Adds a record of our own, with the next id. */
export function addRecord(document: Document, list: List, members: JsonObject, region: string): string {
  const id = String(document.lastIds[list] + 1);
  const record = { id, ...members };
  const place = textsOf(document, list).add(renderRecord(record));
  takeRecord(document, { list, record, place }, region);
  document.edits++;
  if (list === "contacts") delete document.contactsDigest;
  return id;
}

export function replaceRecord(
  document: Document,
  list: "activities" | "tasks",
  place: number,
  text: string,
): void {
  textsOf(document, list).replace(place, text);
  document.edits++;
}

export function removeActivity(document: Document, place: number, id: string, key: string): void {
  const { byId, byKey } = document.activityPlaces;
  textsOf(document, "activities").remove(place);
  if (byId.get(id) === place) byId.delete(id);
  if (byKey.get(key) === place) byKey.delete(key);
  document.edits++;
}

function takeContact(document: Document, contact: Contact, region: string): void {
  if (document.contacts.has(contact.id)) return;
  document.contacts.set(contact.id, contact);
  for (const number of numbersOf(contact, region)) {
    const others = document.contactsByNumber.get(number);
    if (others) others.push(contact);
    else document.contactsByNumber.set(number, [contact]);
  }
}

function takePlace({ byId, byKey }: Places, id: string, key: unknown, place: number): void {
  if (!byId.has(id)) byId.set(id, place);
  if (typeof key === "string" && !byKey.has(key)) byKey.set(key, place);
}
