import type { Call } from "../../core/call.ts";
import type { ContactRef } from "../../core/contact.ts";
import { nationalDigits } from "../../core/phone.ts";
import { writingsOf } from "../../core/phone-plans.ts";
import type { Decision } from "../../core/tracked-call.ts";
import type { Db, ReadDb } from "../db/db.ts";
import { digitsOf, endOfStep } from "../db/rows.ts";
import { addTombstones, eraseCall, eraseDelivery, forgetIn, lockErasure, markOf } from "./calls.ts";

/** A condition on tables by contact. */
export const contactIs = "installation = :installation AND kind = :kind AND id = :id";

/** Deliveries that are searched in one step: webhooks wait meanwhile. */
const searchedAtOnce = 1_000;

/** Calls `erase` for each step of all deliveries, with the numbers that only these people have. */
export async function forEachMention(
  db: ReadDb,
  {
    installation,
    refs,
    spared,
  }: { installation: string; refs: readonly ContactRef[]; spared: readonly string[] },
  erase: (numbers: readonly string[], after: number) => Promise<number | undefined>,
): Promise<void> {
  const { own } = await numbersOfPeople(db, installation, refs, spared);
  if (own.length === 0) return;
  // What comes in later is read when it is decoded.
  const newest = Number((await db.get("SELECT MAX(id) AS id FROM deliveries"))?.["id"] ?? 0);
  for (let after: number | undefined = 0; after !== undefined && after < newest; )
    after = await erase(own, after);
}

export async function erasePeople(
  tx: Db,
  installation: string,
  refs: readonly ContactRef[],
  { now, spared }: { now: number; spared: readonly string[] },
): Promise<void> {
  lockErasure(tx, installation, "exclusive");
  lockContacts(tx, installation);
  const { all, own } = await numbersOfPeople(tx, installation, refs, spared);
  const calls = await callsOfPeople(tx, installation, refs, own);
  const keys = [...calls.values()];
  const marks = [...refs.map(markOf.contact), ...own.map(markOf.number), ...keys.map(markOf.call)];
  await addTombstones(tx, installation, marks, now);
  const isErased = async (one: ContactRef) => refs.some((ref) => isSame(ref, one));
  for (const id of calls.keys()) await eraseCall(tx, id, now);
  for (const number of own)
    await tx.run("DELETE FROM lines WHERE installation = :installation AND number = :number", {
      installation,
      number,
    });
  for (const number of all) {
    await tx.run("DELETE FROM answers WHERE installation = :installation AND number = :number", {
      installation,
      number,
    });
    const rows = await tx.all(
      `SELECT id, decision FROM calls
        WHERE installation = :installation AND number = :number AND decision IS NOT NULL`,
      { installation, number },
    );
    for (const { id, decision } of rows)
      await forgetIn(tx, Number(id), JSON.parse(String(decision)) as Decision, isErased);
  }
  await removeContacts(tx, installation, refs);
}

type PeopleNumbers = {
  /** E.164 numbers of these contacts. */
  all: string[];
  /** Those that no other contact has and that are not to be spared. */
  own: string[];
};

async function numbersOfPeople(
  db: ReadDb,
  installation: string,
  refs: readonly ContactRef[],
  spared: readonly string[],
): Promise<PeopleNumbers> {
  const found = new Set<string>();
  for (const ref of refs)
    for (const digits of await indexedNumbers(db, installation, ref)) found.add(`+${digits}`);
  // A contact that has left the index: its calls have its numbers.
  for (const { kind, id } of refs) {
    const rows = await db.all(
      `SELECT DISTINCT number FROM calls
        WHERE installation = :installation AND contact_id = :id AND contact_kind = :kind AND number IS NOT NULL`,
      { installation, kind, id },
    );
    for (const { number } of rows) found.add(String(number));
  }
  const own: string[] = [];
  for (const number of found)
    if (!spared.includes(number) && !(await isShared(db, installation, number, refs))) own.push(number);
  return { all: [...found], own };
}

async function isShared(
  db: ReadDb,
  installation: string,
  number: string,
  refs: readonly ContactRef[],
): Promise<boolean> {
  const holders = await db.all(
    "SELECT kind, id FROM phones WHERE installation = :installation AND number = :digits",
    { installation, digits: digitsOf(number) },
  );
  return holders.some((holder) => !refs.some((ref) => isSame(ref, holder as ContactRef)));
}

function isSame(one: ContactRef, other: ContactRef): boolean {
  return one.kind === other.kind && one.id === other.id;
}

/**
 * The calls of these contacts, by id, with their keys: those linked to them, and those of their own numbers that are not
 * linked to another contact that exists. A call of their own number that names no customer yet may be theirs.
 */
async function callsOfPeople(
  tx: Db,
  installation: string,
  refs: readonly ContactRef[],
  own: readonly string[],
): Promise<Map<number, string>> {
  const calls = new Map<number, string>();
  const add = async (sql: string, values: Record<string, string | number>) => {
    for (const { id, key } of await tx.all(sql, values)) calls.set(Number(id), String(key));
  };
  for (const { kind, id } of refs)
    await add(
      "SELECT id, key FROM calls WHERE installation = :installation AND contact_id = :id AND contact_kind = :kind",
      { installation, kind, id },
    );
  for (const number of own)
    await add(
      `SELECT id, key FROM calls WHERE installation = :installation AND number = :number AND NOT EXISTS (
          SELECT 1 FROM contacts WHERE contacts.installation = calls.installation
            AND contacts.kind = calls.contact_kind AND contacts.id = calls.contact_id)`,
      { installation, number },
    );
  for (const number of own)
    await add(
      `SELECT calls.id AS id, calls.key AS key FROM ends JOIN calls ON calls.id = ends.call
        WHERE ends.installation = :installation AND ends.number = :number AND calls.number IS NULL`,
      { installation, number },
    );
  // The loop visits keys that are added during it, so legs of legs are found as well.
  for (const id of calls.keys()) await add("SELECT id, key FROM calls WHERE merged_into = :id", { id });
  return calls;
}

/** Shorter sequences of digits are found in too much that is not a number. */
const fewestDigits = 7;

/** Erases deliveries with one of these E.164 numbers, among those of one step after an id. Returns the last id of the step. */
export async function eraseMentions(
  tx: Db,
  installation: string,
  numbers: readonly string[],
  after: number,
): Promise<number | undefined> {
  const last = await endOfStep(tx, after, searchedAtOnce);
  for (const number of numbers.flatMap(writingsOf)) {
    const digits = nationalDigits(number);
    if (digits.length < fewestDigits) continue;
    const rows = await tx.all(
      `SELECT id, body, url FROM deliveries
        WHERE id > :after AND id <= :last AND installation = :installation AND kind IS DISTINCT FROM 'erased'
          AND (instr(body, :bytes) > 0 OR instr(url, :digits) > 0)`,
      { installation, after, last: last ?? Number.MAX_SAFE_INTEGER, bytes: Buffer.from(digits), digits },
    );
    const pattern = writings(number, digits);
    for (const { id, body, url } of rows) {
      const text = `${url}\n${Buffer.from(body as Uint8Array).toString("latin1")}`;
      if (pattern.test(text) && !(await isLine(tx, Number(id), digits))) await eraseDelivery(tx, Number(id));
    }
  }
  return last;
}

/** Matches the number with and without its country code, and not as part of a longer one. */
function writings(number: string, national: string): RegExp {
  const country = number.slice(1, number.length - national.length);
  return new RegExp(`(?:%2b|(?<!\\d))(?:(?:00)?${country}0?|0)?${national}(?!\\d)`, "i");
}

/** Whether a call of this delivery came in on that number, which is then the company's, whatever the CRM says. */
async function isLine(tx: Db, delivery: number, digits: string): Promise<boolean> {
  const rows = await tx.all(
    "SELECT calls.body AS body FROM calls JOIN events ON events.call = calls.id WHERE events.delivery = :delivery",
    { delivery },
  );
  return rows.some(({ body }) => {
    const { line } = JSON.parse(String(body)) as Call;
    return (line ?? "").replace(/\D/g, "").endsWith(digits);
  });
}

/** What reads the numbers of contacts and then writes them does so alone. */
export function lockContacts(tx: Db, installation: string): void {
  tx.lock(`contacts ${installation}`, "exclusive");
}

/** The digits by which a contact is in `phones`. */
export async function indexedNumbers(
  db: ReadDb,
  installation: string,
  { kind, id }: ContactRef,
): Promise<number[]> {
  const row = await db.get(`SELECT numbers FROM contacts WHERE ${contactIs}`, { installation, kind, id });
  return row ? (JSON.parse(String(row["numbers"])) as number[]) : [];
}

export async function removePhone(
  tx: Db,
  installation: string,
  number: number,
  { kind, id }: ContactRef,
): Promise<void> {
  await tx.run(`DELETE FROM phones WHERE number = :number AND ${contactIs}`, {
    installation,
    number,
    kind,
    id,
  });
}

export async function removeContacts(
  tx: Db,
  installation: string,
  refs: readonly ContactRef[],
): Promise<void> {
  lockContacts(tx, installation);
  for (const { kind, id } of refs) {
    for (const number of await indexedNumbers(tx, installation, { kind, id }))
      await removePhone(tx, installation, number, { kind, id });
    await tx.run(`DELETE FROM contacts WHERE ${contactIs}`, { installation, kind, id });
  }
}
