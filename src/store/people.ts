import type { ContactRef } from "../core/contact.ts";
import type { Connection } from "./connection.ts";

/** `all`: E.164 numbers of these contacts. `own`: those that no other contact has and that are not to be spared. */
export type PeopleNumbers = { all: string[]; own: string[] };

export function numbersOfPeople(
  db: Connection,
  installation: string,
  refs: readonly ContactRef[],
  spared: readonly string[],
): PeopleNumbers {
  const digits = refs.flatMap(({ kind, id }) => {
    const row = db.get(
      "SELECT numbers FROM contacts WHERE installation = ? AND kind = ? AND id = ?",
      installation,
      kind,
      id,
    );
    return row ? (JSON.parse(String(row["numbers"])) as number[]) : [];
  });
  // The contact may have left the index already: then its calls know its numbers.
  const called = refs.flatMap(({ kind, id }) =>
    db
      .all(
        `SELECT DISTINCT number FROM calls
          WHERE installation = ? AND contact_id = ? AND contact_kind = ? AND number IS NOT NULL`,
        installation,
        id,
        kind,
      )
      .map(({ number }) => String(number)),
  );
  const all = [...new Set([...digits.map((number) => `+${number}`), ...called])];
  const own = all.filter((number) => !spared.includes(number) && !isShared(db, installation, number, refs));
  return { all, own };
}

function isShared(
  db: Connection,
  installation: string,
  number: string,
  refs: readonly ContactRef[],
): boolean {
  const holders = db.all(
    "SELECT kind, id FROM phones WHERE installation = ? AND number = ?",
    installation,
    Number(number.slice(1)),
  );
  return holders.some(
    (holder) => !refs.some(({ kind, id }) => holder["kind"] === kind && holder["id"] === id),
  );
}

/** The calls of these contacts: linked to them, or from numbers of their own and not linked to another contact that is there. */
export function callsOfPeople(
  db: Connection,
  installation: string,
  refs: readonly ContactRef[],
  own: readonly string[],
): number[] {
  const linked = refs.flatMap(({ kind, id }) =>
    db.all(
      "SELECT id FROM calls WHERE installation = ? AND contact_id = ? AND contact_kind = ?",
      installation,
      id,
      kind,
    ),
  );
  const called = own.flatMap((number) =>
    db.all(
      `SELECT id FROM calls WHERE installation = ? AND number = ? AND NOT EXISTS (
          SELECT 1 FROM contacts WHERE contacts.installation = calls.installation
            AND contacts.kind = calls.contact_kind AND contacts.id = calls.contact_id)`,
      installation,
      number,
    ),
  );
  // A call that names no customer yet may be theirs.
  const perhaps = own.flatMap((number) =>
    db.all(
      `SELECT calls.id FROM ends JOIN calls ON calls.id = ends.call
        WHERE ends.installation = ? AND ends.number = ? AND calls.number IS NULL`,
      installation,
      number,
    ),
  );
  const ids = new Set([...linked, ...called, ...perhaps].map(({ id }) => Number(id)));
  // A set tells what is added to it while it is gone through: legs of legs are found, too.
  for (const id of ids) {
    for (const leg of db.all("SELECT id FROM calls WHERE merged_into = ?", id)) ids.add(Number(leg["id"]));
  }
  return [...ids];
}
