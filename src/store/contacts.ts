import { setImmediate } from "node:timers/promises";
import type { Contact, ContactRef, Owner } from "../core/contact.ts";
import type { Connection } from "./connection.ts";
import { erasedLately, markOf } from "./tombstones.ts";

/** Digits of an E.164 number: at most 15, so an exact integer, and a third of the size of the text. */
export function digitsOf(number: string): number {
  return Number(number.slice(1));
}

/** Numbers that are looked up at a stretch: few enough that an inbound call does not wait for them. */
const numbersAtOnce = 200;

export async function contactsByNumber(
  db: Connection,
  installation: string,
  numbers: readonly string[],
): Promise<Map<string, Contact[]>> {
  const found = new Map<string, Contact[]>();
  for (const [i, number] of numbers.entries()) {
    if (i > 0 && i % numbersAtOnce === 0) await setImmediate();
    const rows = db.all(
      `SELECT body FROM phones JOIN contacts USING (installation, kind, id) WHERE installation = ? AND number = ? LIMIT 50`,
      installation,
      digitsOf(number),
    );
    if (rows.length > 0)
      found.set(
        number,
        rows.map(({ body }) => JSON.parse(String(body)) as Contact),
      );
  }
  return found;
}

export function contactOf(
  db: Connection,
  installation: string,
  { kind, id }: ContactRef,
): Contact | undefined {
  const row = db.get(
    "SELECT body FROM contacts WHERE installation = ? AND kind = ? AND id = ?",
    installation,
    kind,
    id,
  );
  return row && (JSON.parse(String(row["body"])) as Contact);
}

type Indexed = { contact: Contact; numbers: readonly string[] };
export type PutOptions = { now: number; matchSince: number };

/** Returns how many unmatched calls became due because a number is known now. */
export function putContacts(
  db: Connection,
  installation: string,
  contacts: readonly Indexed[],
  options: PutOptions,
): number {
  return db.transaction(() => {
    let matched = 0;
    const erasedAt = erasedLately(db, installation, options.now);
    for (const indexed of contacts) {
      // It was read from the CRM before they were erased there.
      if (erasedAt?.(markOf.contact(indexed.contact)) !== undefined) continue;
      matched += putContact(db, installation, indexed, options);
    }
    return matched;
  });
}

function putContact(
  db: Connection,
  installation: string,
  { contact, numbers }: Indexed,
  options: PutOptions,
): number {
  const { kind, id } = contact;
  const digits = numbers.map(digitsOf);
  const before = indexedNumbers(db, installation, contact);
  db.run(
    `INSERT OR REPLACE INTO contacts (installation, kind, id, generation, numbers, body)
      VALUES (?, ?, ?, coalesce((SELECT generation FROM syncs WHERE installation = ?), 0), ?, ?)`,
    installation,
    kind,
    id,
    installation,
    JSON.stringify(digits),
    JSON.stringify(contact),
  );
  return numberContact(db, { ...contact, before, numbers }, { ...options, installation });
}

/** A contact that has other numbers than `before`, which are digits as `phones` has them. */
type Renumbered = ContactRef & { before: readonly number[]; numbers: readonly string[] };

/** The contact is found by these numbers from now on. Returns how many unmatched calls became due. */
export function numberContact(
  db: Connection,
  { kind, id, before, numbers }: Renumbered,
  { installation, ...options }: PutOptions & { installation: string },
): number {
  const digits = numbers.map(digitsOf);
  for (const number of before)
    if (!digits.includes(number)) dropPhone(db, installation, number, { kind, id });
  let matched = 0;
  for (const [i, number] of digits.entries()) {
    if (before.includes(number)) continue;
    db.run(
      "INSERT OR IGNORE INTO phones (installation, number, kind, id) VALUES (?, ?, ?, ?)",
      installation,
      number,
      kind,
      id,
    );
    matched += matchLate(db, installation, numbers[i] ?? "", options);
  }
  return matched;
}

/** The digits under which a contact stands in `phones`. */
function indexedNumbers(db: Connection, installation: string, { kind, id }: ContactRef): number[] {
  const row = db.get(
    "SELECT numbers FROM contacts WHERE installation = ? AND kind = ? AND id = ?",
    installation,
    kind,
    id,
  );
  return row ? (JSON.parse(String(row["numbers"])) as number[]) : [];
}

function dropPhone(db: Connection, installation: string, number: number, { kind, id }: ContactRef): void {
  db.run(
    "DELETE FROM phones WHERE installation = ? AND number = ? AND kind = ? AND id = ?",
    installation,
    number,
    kind,
    id,
  );
}

function matchLate(
  db: Connection,
  installation: string,
  number: string,
  { now, matchSince }: PutOptions,
): number {
  return db.run(
    `UPDATE calls SET due_at = ? WHERE installation = ? AND number = ? AND contact_id IS NULL
      AND state = 'logged' AND due_at IS NULL AND created_at >= ?`,
    now,
    installation,
    number,
    matchSince,
  ).changes;
}

export function removeContacts(db: Connection, installation: string, refs: readonly ContactRef[]): void {
  db.transaction(() => {
    for (const ref of refs) {
      for (const number of indexedNumbers(db, installation, ref)) dropPhone(db, installation, number, ref);
      db.run(
        "DELETE FROM contacts WHERE installation = ? AND kind = ? AND id = ?",
        installation,
        ref.kind,
        ref.id,
      );
    }
  });
}

export function dropContactsBefore(db: Connection, installation: string, generation: number): number {
  const old = db
    .all("SELECT kind, id FROM contacts WHERE installation = ? AND generation < ?", installation, generation)
    .map(({ kind, id }) => ({ kind, id }) as ContactRef);
  removeContacts(db, installation, old);
  return old.length;
}

export function putOwners(db: Connection, installation: string, owners: readonly Owner[]): void {
  db.transaction(() => {
    db.run("DELETE FROM owners WHERE installation = ?", installation);
    for (const owner of owners) {
      db.run(
        "INSERT OR REPLACE INTO owners (installation, id, body) VALUES (?, ?, ?)",
        installation,
        owner.id,
        JSON.stringify(owner),
      );
    }
  });
}

export function ownersOf(db: Connection, installation: string): Owner[] {
  return db
    .all("SELECT body FROM owners WHERE installation = ?", installation)
    .map(({ body }) => JSON.parse(String(body)) as Owner);
}
