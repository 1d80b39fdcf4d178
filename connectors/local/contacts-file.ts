import { createHash } from "node:crypto";
import { findNodeAtLocation, parseTree } from "jsonc-parser";
import type { Adapter } from "lowdb";
import { type Contact, numbersOf, type Owner } from "../../src/core/contact.ts";
import { isObject, type JsonObject } from "../../src/lib/body.ts";
import { createPace } from "../../src/lib/pace.ts";
import { filesOf, later, missing, readSettled, replaceFile, versionAt, withCure } from "./files.ts";
import {
  contactOf,
  higherId,
  JsonFault,
  ownerOf,
  parseExactly,
  parseText,
  placeIn,
  renderRecord,
  shapes,
  textOf,
} from "./records.ts";

export type Document = {
  /** All that the file has, as it is written again. */
  members: Record<string, unknown>;
  contacts: Map<string, Contact>;
  contactsByNumber: Map<string, Contact[]>;
  owners: Owner[];
  lastContactId: number;
  /** Whether it differs from the file. */
  isEdited: boolean;
  /** Changes with the contacts; made when it is needed. */
  contactsDigest?: string;
};

/** `read` returns null when there is no file; `write` replaces it durably. Both throw `CrmError("later")`. */
export type ContactsFile = Adapter<Document> & {
  /** Whether another program wrote the file after our last read or write. */
  changed(): Promise<boolean>;
  /** After a failure memory and file may differ, so the file counts as changed. */
  forget(): void;
};

/** What a new file starts with. */
export function newDocument(): Document {
  return {
    members: { contacts: [], owners: [] },
    contacts: new Map(),
    contactsByNumber: new Map(),
    owners: [],
    lastContactId: 0,
    isEdited: true,
  };
}

export function contactsFile(file: string, region: string): ContactsFile {
  let seen: string | undefined;
  let hadFile = false;

  const read = async (): Promise<Document | null> => {
    const found = await readSettled(file, hadFile, (handle) => handle.readFile());
    const document = found ? await documentOf(found.content, region) : null;
    seen = found?.version ?? missing;
    hadFile = found !== undefined;
    return document;
  };

  const write = async (document: Document): Promise<void> => {
    seen = await replaceFile((await filesOf(file)).contacts, seen ?? missing, linesOf(document.members));
    hadFile = true;
    document.isEdited = false;
  };

  const cured = (error: unknown) => {
    if (!(error instanceof JsonFault)) return Promise.reject(withCure(file, error));
    const problem = `${error.message}. Correct it there: the file is read again when it is saved`;
    return Promise.reject(later(file, problem, error));
  };
  return {
    read: () => read().catch(cured),
    write: (document) => write(document).catch(cured),
    changed: async () => (await versionAt(file).catch(cured)) !== seen,
    forget: () => {
      seen = undefined;
    },
  };
}

/** Reads a file's bytes, some records at a time. Throws `JsonFault` where they are not what we need. */
async function documentOf(bytes: Buffer, region: string): Promise<Document> {
  const text = textOf(bytes);
  const parsed = parseText(text);
  if (!isObject(parsed)) throw new JsonFault("line 1, column 1", 'expected an object: "{"');
  refuseTwice(text, Object.keys(parsed));
  const document = {
    ...newDocument(),
    members: parseExactly(text, parsed) as Document["members"],
    isEdited: false,
  };
  const pace = createPace();
  for (const list of ["contacts", "owners", "activities", "tasks"] as const) {
    for (const [i, record] of listIn(parsed, list, text).entries()) {
      const [issue] = shapes[list].safeParse(record).error?.issues ?? [];
      if (issue) {
        const at = placeOf(text, [list, i]);
        throw new JsonFault(at, `${[`${list}[${i}]`, ...issue.path].join(".")}: ${issue.message}`);
      }
      if (list === "owners") document.owners.push(ownerOf(record as JsonObject));
      if (list === "contacts") takeContact(document, contactOf(record as JsonObject), region);
      await pace();
    }
  }
  return document;
}

function listIn(members: JsonObject, name: string, text: string): readonly unknown[] {
  const list = members[name] ?? [];
  if (!Array.isArray(list)) throw new JsonFault(placeOf(text, [name]), `expected a list of ${name}: "["`);
  return list;
}

function placeOf(text: string, path: (string | number)[]): string {
  const tree = parseTree(text);
  return placeIn(text, (tree && findNodeAtLocation(tree, path)?.offset) ?? 0);
}

function isOnce(text: string, part: string): boolean {
  return text.indexOf(part) === text.lastIndexOf(part);
}

/** `JSON.parse` would drop the first of two members with the same name. */
function refuseTwice(text: string, names: readonly string[]): void {
  if (names.every((name) => isOnce(text, JSON.stringify(name)))) return;
  const seen = new Set<unknown>();
  for (const { offset, children } of parseTree(text)?.children ?? []) {
    const name = children?.[0]?.value;
    if (seen.has(name)) throw new JsonFault(placeIn(text, offset), `"${name}" is there twice; join the two`);
    seen.add(name);
  }
}

/** Adds a contact of ours, with the next id. */
export function addContact(document: Document, members: JsonObject, region: string): Contact {
  const record = { id: String(document.lastContactId + 1), ...members };
  const contacts = contactsIn(document);
  contacts.push(record);
  document.members["contacts"] = contacts;
  const contact = contactOf(record);
  takeContact(document, contact, region);
  document.isEdited = true;
  delete document.contactsDigest;
  return contact;
}

/** Of two with the same id the first one is used. */
function takeContact(document: Document, contact: Contact, region: string): void {
  document.lastContactId = higherId(document.lastContactId, contact.id);
  if (document.contacts.has(contact.id)) return;
  document.contacts.set(contact.id, contact);
  for (const number of numbersOf(contact, region)) {
    const others = document.contactsByNumber.get(number);
    if (others) others.push(contact);
    else document.contactsByNumber.set(number, [contact]);
  }
}

function contactsIn({ members }: Document): unknown[] {
  return (members["contacts"] ?? []) as unknown[];
}

export async function digestOf(document: Document): Promise<string> {
  if (document.contactsDigest) return document.contactsDigest;
  const pace = createPace();
  const hash = createHash("sha256");
  for (const record of contactsIn(document)) {
    hash.update(JSON.stringify(record)).update("\n");
    await pace();
  }
  document.contactsDigest = hash.digest("base64url");
  return document.contactsDigest;
}

/** The text of the file, one record a line. */
function* linesOf(members: Readonly<Record<string, unknown>>): Generator<string> {
  let before = "{\n";
  for (const [name, value] of Object.entries(members)) {
    yield `${before}  ${JSON.stringify(name)}: `;
    before = ",\n";
    if (!Array.isArray(value)) yield renderRecord(value);
    else {
      for (const [i, record] of value.entries()) yield `${i === 0 ? "[" : ","}\n    ${renderRecord(record)}`;
      yield value.length === 0 ? "[]" : "\n  ]";
    }
  }
  yield before === "{\n" ? "{}\n" : "\n}\n";
}
