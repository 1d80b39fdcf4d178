import { setImmediate } from "node:timers/promises";
import type { Contact, ContactRef, Owner } from "../core/contact.ts";
import type {
  ContactNumbers,
  IndexedContact,
  NumberedContact,
  PutOptions,
  SyncState,
} from "./contract/contacts.ts";
import type { Db, ReadDb } from "./db/db.ts";
import { digitsOf } from "./db/rows.ts";
import { erasedLately, markOf } from "./erasure/calls.ts";
import { contactIs, indexedNumbers, lockContacts, removeContacts, removePhone } from "./erasure/people.ts";

/** Numbers that are looked up without a pause: few enough that an inbound call does not wait for them. */
const numbersAtOnce = 200;

export async function contactsByNumber(
  db: ReadDb,
  installation: string,
  numbers: readonly string[],
): Promise<Map<string, Contact[]>> {
  const found = new Map<string, Contact[]>();
  const find = async (number: string): Promise<void> => {
    const rows = await db.all(
      `SELECT body FROM phones JOIN contacts USING (installation, kind, id)
        WHERE installation = :installation AND number = :digits LIMIT 50`,
      { installation, digits: digitsOf(number) },
    );
    if (rows.length > 0)
      found.set(
        number,
        rows.map(({ body }) => JSON.parse(String(body)) as Contact),
      );
  };
  for (let i = 0; i < numbers.length; i += numbersAtOnce) {
    if (i > 0) await setImmediate();
    await Promise.all(numbers.slice(i, i + numbersAtOnce).map(find));
  }
  return found;
}

export async function contact(
  db: ReadDb,
  installation: string,
  { kind, id }: ContactRef,
): Promise<Contact | undefined> {
  const row = await db.get(`SELECT body FROM contacts WHERE ${contactIs}`, { installation, kind, id });
  return row && (JSON.parse(String(row["body"])) as Contact);
}

/** Rows that have the text somewhere are read; those that have it in the name are returned. */
export async function contactsNamed(
  db: ReadDb,
  installation: string,
  text: string,
  limit: number,
): Promise<Contact[]> {
  const wanted = text.toLowerCase();
  const rows = await db.all(
    `SELECT body FROM contacts WHERE installation = :installation AND instr(lower(body), :wanted) > 0
      LIMIT ${limit * 10}`,
    { installation, wanted: JSON.stringify(wanted).slice(1, -1) },
  );
  const contacts = rows.map(({ body }) => JSON.parse(String(body)) as Contact);
  return contacts.filter(({ name }) => name?.toLowerCase().includes(wanted)).slice(0, limit);
}

export async function countContacts(db: ReadDb, installation: string): Promise<number> {
  const row = await db.get("SELECT COUNT(*) AS n FROM contacts WHERE installation = :installation", {
    installation,
  });
  return Number(row?.["n"] ?? 0);
}

export async function putContacts(
  tx: Db,
  installation: string,
  contacts: readonly IndexedContact[],
  options: PutOptions,
): Promise<number> {
  let matched = 0;
  const erasedAt = await erasedLately(tx, installation, options.now);
  lockContacts(tx, installation);
  const { generation } = await syncState(tx, installation);
  const place = { ...options, installation, generation };
  for (const indexed of contacts) {
    // It was read from the CRM before the person was erased there.
    if (erasedAt && (await erasedAt(markOf.contact(indexed.contact))) !== undefined) continue;
    matched += await putContact(tx, indexed, place);
  }
  return matched;
}

async function putContact(
  tx: Db,
  { contact, numbers }: IndexedContact,
  place: PutOptions & { installation: string; generation: number },
): Promise<number> {
  const { installation, generation } = place;
  const { kind, id } = contact;
  const before = await indexedNumbers(tx, installation, contact);
  const digits = numbers.map(digitsOf);
  await tx.run(
    `INSERT INTO contacts (installation, kind, id, generation, numbers, body)
      VALUES (:installation, :kind, :id, :generation, :digits, :body)
      ON CONFLICT (installation, kind, id) DO UPDATE
        SET generation = excluded.generation, numbers = excluded.numbers, body = excluded.body`,
    {
      installation,
      kind,
      id,
      generation,
      digits: JSON.stringify(digits),
      body: JSON.stringify(contact),
    },
  );
  const isSame = digits.length === before.length && digits.every((number, i) => number === before[i]);
  return isSame ? 0 : numberContact(tx, { kind, id, before, numbers }, place);
}

/** A contact that has other numbers than `before`, which are digits as `phones` has them. */
type Renumbered = ContactRef & { before: readonly number[]; numbers: readonly string[] };

/** Indexes a contact by these numbers. Returns how many calls without a contact became due. */
async function numberContact(
  tx: Db,
  { kind, id, before, numbers }: Renumbered,
  { installation, now, matchSince }: PutOptions & { installation: string },
): Promise<number> {
  const digits = numbers.map(digitsOf);
  for (const number of before)
    if (!digits.includes(number)) await removePhone(tx, installation, number, { kind, id });
  let matched = 0;
  for (const [i, number] of digits.entries()) {
    if (before.includes(number)) continue;
    await tx.run(
      `INSERT INTO phones (installation, number, kind, id) VALUES (:installation, :number, :kind, :id)
        ON CONFLICT DO NOTHING`,
      { installation, number, kind, id },
    );
    matched += await tx.run(
      `UPDATE calls SET due_at = :now
        WHERE installation = :installation AND number = :number AND contact_id IS NULL
          AND state = 'logged' AND due_at IS NULL AND created_at >= :matchSince`,
      { installation, number: numbers[i] ?? "", now, matchSince },
    );
  }
  return matched;
}

export async function dropContactsBefore(tx: Db, installation: string, generation: number): Promise<number> {
  lockContacts(tx, installation);
  const old = await tx.all(
    "SELECT kind, id FROM contacts WHERE installation = :installation AND generation < :generation",
    { installation, generation },
  );
  await removeContacts(tx, installation, old as ContactRef[]);
  return old.length;
}

export async function putOwners(tx: Db, installation: string, owners: readonly Owner[]): Promise<void> {
  await tx.run("DELETE FROM owners WHERE installation = :installation", { installation });
  for (const owner of owners)
    await tx.run(
      `INSERT INTO owners (installation, id, body) VALUES (:installation, :id, :body)
        ON CONFLICT (installation, id) DO UPDATE SET body = excluded.body`,
      { installation, id: owner.id, body: JSON.stringify(owner) },
    );
}

export async function owners(db: ReadDb, installation: string): Promise<Owner[]> {
  const rows = await db.all("SELECT body FROM owners WHERE installation = :installation", { installation });
  return rows.map(({ body }) => JSON.parse(String(body)) as Owner);
}

export async function syncState(db: ReadDb, installation: string): Promise<SyncState> {
  const row = await db.get(
    "SELECT generation, cursor, finished_at FROM syncs WHERE installation = :installation",
    { installation },
  );
  return {
    generation: Number(row?.["generation"] ?? 0),
    ...(row?.["cursor"] != null && { cursor: String(row["cursor"]) }),
    ...(row?.["finished_at"] != null && { finishedAt: Number(row["finished_at"]) }),
  };
}

/** A command of another process may have begun a listing meanwhile. */
export async function saveSyncState(
  tx: Db,
  installation: string,
  { cursor, generation, finishedAt }: SyncState,
): Promise<void> {
  await tx.run(
    `INSERT INTO syncs (installation, generation, cursor, finished_at)
      VALUES (:installation, :generation, :cursor, :finishedAt)
      ON CONFLICT (installation) DO UPDATE SET cursor = excluded.cursor, finished_at = excluded.finished_at,
        generation = CASE WHEN excluded.generation > syncs.generation THEN excluded.generation ELSE syncs.generation END`,
    { installation, generation, cursor, finishedAt },
  );
}

export async function numbering(db: ReadDb, installation: string): Promise<string | undefined> {
  const row = await db.get("SELECT version FROM numberings WHERE installation = :installation", {
    installation,
  });
  return row && String(row["version"]);
}

export async function saveNumbering(tx: Db, installation: string, version: string): Promise<void> {
  await tx.run(
    `INSERT INTO numberings (installation, version) VALUES (:installation, :version)
      ON CONFLICT (installation) DO UPDATE SET version = excluded.version`,
    { installation, version },
  );
}

export async function numberedContacts(
  db: ReadDb,
  installation: string,
  after: ContactRef | undefined,
  limit: number,
): Promise<NumberedContact[]> {
  const rows = await db.all(
    `SELECT body, numbers FROM contacts WHERE installation = :installation AND (kind, id) > (:kind, :id)
      ORDER BY kind, id LIMIT :limit`,
    { installation, kind: after?.kind ?? "", id: after?.id ?? "", limit },
  );
  return rows.map(({ body, numbers }) => {
    const { kind, id, phones } = JSON.parse(String(body)) as Contact;
    const digits = JSON.parse(String(numbers)) as number[];
    return { ref: { kind, id }, phones, indexed: digits.map((number) => `+${number}`) };
  });
}

export async function renumberContacts(
  tx: Db,
  installation: string,
  contacts: readonly ContactNumbers[],
  options: PutOptions,
): Promise<number> {
  let matched = 0;
  lockContacts(tx, installation);
  for (const { ref, was, numbers } of contacts) {
    const before = was.map(digitsOf);
    const changed = await tx.run(
      `UPDATE contacts SET numbers = :digits WHERE ${contactIs} AND numbers = :before`,
      {
        installation,
        kind: ref.kind,
        id: ref.id,
        digits: JSON.stringify(numbers.map(digitsOf)),
        before: JSON.stringify(before),
      },
    );
    if (changed > 0)
      matched += await numberContact(tx, { ...ref, before, numbers }, { ...options, installation });
  }
  return matched;
}
