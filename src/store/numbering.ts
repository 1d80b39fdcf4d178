import type { Contact, ContactRef } from "../core/contact.ts";
import type { Connection } from "./connection.ts";
import { digitsOf, numberContact, type PutOptions } from "./contacts.ts";
import type { CallNumber, ContactNumbers, NumberedCall, NumberedContact } from "./contract-numbering.ts";

export function numberingOf(db: Connection, installation: string): string | undefined {
  const row = db.get("SELECT version FROM numberings WHERE installation = ?", installation);
  return row && String(row["version"]);
}

/** Runs in the writer, as the others below that change something. */
export function saveNumbering(db: Connection, installation: string, version: string): void {
  db.run("INSERT OR REPLACE INTO numberings (installation, version) VALUES (?, ?)", installation, version);
}

export function numberedContacts(
  db: Connection,
  installation: string,
  after: ContactRef | undefined,
  limit: number,
): NumberedContact[] {
  const rows = db.all(
    `SELECT body, numbers FROM contacts WHERE installation = ? AND (kind, id) > (?, ?) ORDER BY kind, id LIMIT ?`,
    installation,
    after?.kind ?? "",
    after?.id ?? "",
    limit,
  );
  return rows.map(({ body, numbers }) => {
    const { kind, id, phones } = JSON.parse(String(body)) as Contact;
    const digits = JSON.parse(String(numbers)) as number[];
    return { ref: { kind, id }, phones, indexed: digits.map((number) => `+${number}`) };
  });
}

export function numberedCalls(
  db: Connection,
  installation: string,
  after: number,
  limit: number,
): NumberedCall[] {
  const rows = db.all(
    `SELECT id, number, json_extract(body, '$.customer.number') AS raw FROM calls
      WHERE installation = ? AND id > ? ORDER BY id LIMIT ?`,
    installation,
    after,
    limit,
  );
  return rows.map(({ id, number, raw }) => ({
    id: Number(id),
    ...(raw !== null && { raw: String(raw) }),
    ...(number !== null && { number: String(number) }),
  }));
}

export function renumberContacts(
  db: Connection,
  installation: string,
  contacts: readonly ContactNumbers[],
  options: PutOptions,
): number {
  return db.transaction(() => {
    let matched = 0;
    for (const { ref, was, numbers } of contacts) {
      const { changes } = db.run(
        "UPDATE contacts SET numbers = ? WHERE installation = ? AND kind = ? AND id = ? AND numbers = ?",
        JSON.stringify(numbers.map(digitsOf)),
        installation,
        ref.kind,
        ref.id,
        JSON.stringify(was.map(digitsOf)),
      );
      if (changes > 0)
        matched += numberContact(
          db,
          { ...ref, before: was.map(digitsOf), numbers },
          { ...options, installation },
        );
    }
    return matched;
  });
}

export function renumberCalls(
  db: Connection,
  installation: string,
  calls: readonly CallNumber[],
  { now, matchSince }: PutOptions,
): number {
  return db.transaction(() => {
    let matched = 0;
    for (const { id, was, number } of calls) {
      const { changes } = db.run(
        "UPDATE calls SET number = ? WHERE id = ? AND number IS ?",
        number ?? null,
        id,
        was ?? null,
      );
      if (changes === 0 || number === undefined) continue;
      matched += db.run(
        `UPDATE calls SET due_at = ? WHERE id = ? AND contact_id IS NULL AND state = 'logged' AND due_at IS NULL
          AND created_at >= ? AND EXISTS (SELECT 1 FROM phones WHERE installation = ? AND number = ?)`,
        now,
        id,
        matchSince,
        installation,
        digitsOf(number),
      ).changes;
    }
    return matched;
  });
}

export function answerNumbers(db: Connection, installation: string, after: string, limit: number): string[] {
  const rows = db.all(
    "SELECT DISTINCT number FROM answers WHERE installation = ? AND number > ? ORDER BY number LIMIT ?",
    installation,
    after,
    limit,
  );
  return rows.map(({ number }) => String(number));
}

export function renumberAnswers(
  db: Connection,
  installation: string,
  answers: readonly { was: string; number: string }[],
): void {
  for (const { was, number } of answers)
    db.run("UPDATE answers SET number = ? WHERE installation = ? AND number = ?", number, installation, was);
}
