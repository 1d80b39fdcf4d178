import type { ContactRef } from "../../core/contact.ts";
import type { Decision } from "../../core/tracked-call.ts";
import { digitsOf } from "../calls.ts";
import { indexedNumbers, removeContacts } from "../contacts.ts";
import type { Db, ReadDb } from "../db.ts";
import { eraseCall, forgetIn, searchedAtOnce } from "./calls.ts";
import { addTombstones, markOf } from "./late-writes.ts";

/** Calls `erase` for each step of all deliveries, with the numbers that only these people have. */
export async function forEachMention(
  db: ReadDb,
  {
    installation,
    refs,
    spared,
  }: { installation: string; refs: readonly ContactRef[]; spared: readonly string[] },
  erase: (numbers: readonly string[], after: number) => Promise<void>,
): Promise<void> {
  const { own } = await numbersOfPeople(db, installation, refs, spared);
  if (own.length === 0) return;
  const ids = await db.get("SELECT MIN(id) AS first, MAX(id) AS last FROM deliveries");
  const last = Number(ids?.["last"] ?? 0);
  for (let after = Number(ids?.["first"] ?? 0) - 1; after < last; after += searchedAtOnce)
    await erase(own, after);
}

export async function erasePeople(
  tx: Db,
  installation: string,
  refs: readonly ContactRef[],
  { now, spared }: { now: number; spared: readonly string[] },
): Promise<void> {
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
  // A map goes on over what is added to it meanwhile: legs of legs are found as well.
  for (const id of calls.keys()) await add("SELECT id, key FROM calls WHERE merged_into = :id", { id });
  return calls;
}
