import { createHmac, randomBytes } from "node:crypto";
import type { ContactRef } from "../core/contact.ts";
import type { Connection } from "./connection.ts";

/** Longer than anything that was read before an erasure can be on its way back into the store. */
const keptMs = 48 * 3_600_000;
const secretName = "erased";

/** What was erased, as texts that only their keyed hashes are kept of. */
export const markOf = {
  contact: ({ kind, id }: ContactRef): string => `contact\n${kind}\n${id}`,
  number: (e164: string): string => `number\n${e164}`,
  call: (key: string): string => `call\n${key}`,
};

/** Keeps what was read before `now` from coming back. Runs in the writer, as everything here. */
export function rememberErased(
  db: Connection,
  installation: string,
  marks: readonly string[],
  now: number,
): void {
  const key = secretOf(db);
  for (const mark of marks)
    db.run(
      "INSERT OR REPLACE INTO erased (installation, mark, at, until) VALUES (?, ?, ?, ?)",
      installation,
      hashOf(key, installation, mark),
      now,
      now + keptMs,
    );
}

/** When something was erased, in milliseconds since 1970. */
export type ErasedAt = (mark: string) => number | undefined;

/** Undefined, at the price of one look, when nobody was erased lately. */
export function erasedLately(db: Connection, installation: string, now: number): ErasedAt | undefined {
  const any = db.get("SELECT 1 FROM erased WHERE installation = ? AND until > ? LIMIT 1", installation, now);
  if (!any) return undefined;
  const key = secretOf(db);
  return (mark) => {
    const row = db.get(
      "SELECT at FROM erased WHERE installation = ? AND mark = ? AND until > ?",
      installation,
      hashOf(key, installation, mark),
      now,
    );
    return row && Number(row["at"]);
  };
}

function hashOf(key: Uint8Array, installation: string, mark: string): Uint8Array {
  return createHmac("sha256", key).update(`${installation}\n${mark}`).digest();
}

function secretOf(db: Connection): Uint8Array {
  const known = db.get("SELECT value FROM secrets WHERE name = ?", secretName);
  if (known) return known["value"] as Uint8Array;
  const made = randomBytes(32);
  db.run("INSERT INTO secrets (name, value) VALUES (?, ?)", secretName, made);
  return made;
}
