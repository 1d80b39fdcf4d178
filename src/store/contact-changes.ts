import type { ContactKind } from "../core/contact.ts";
import type { DueContactChange, ReportedChanges } from "./contract/contacts.ts";
import type { Db, ReadDb } from "./db/db.ts";

/** Further ones are left to the next sync, which reads what has changed. */
const mostWaiting = 10_000;

/** In the order of their keys, so that two instances that store the same ones do not lock each other out. */
export async function addContactChanges(
  tx: Db,
  installation: string,
  { changed, removed }: ReportedChanges,
  now: number,
): Promise<void> {
  const row = await tx.get("SELECT COUNT(*) AS n FROM contact_changes WHERE installation = :installation", {
    installation,
  });
  const room = Math.max(0, mostWaiting - Number(row?.["n"]));
  const toRead = changed.slice(0, room).map((id) => ({ kind: "", id }));
  const found = new Map([...toRead, ...removed].map(({ kind, id }) => [`${kind} ${id}`, { kind, id }]));
  for (const key of [...found.keys()].sort())
    tx.send(
      `INSERT INTO contact_changes (installation, kind, id, due_at, version)
        VALUES (:installation, :kind, :id, :now, 1)
        ON CONFLICT (installation, kind, id) DO UPDATE SET version = contact_changes.version + 1`,
      { installation, ...found.get(key), now },
    );
}

export async function dueContactChanges(
  db: ReadDb,
  installation: string,
  now: number,
  limit: number,
): Promise<DueContactChange[]> {
  const rows = await db.all(
    `SELECT kind, id, version FROM contact_changes WHERE installation = :installation AND due_at <= :now
      ORDER BY due_at LIMIT :limit`,
    { installation, now, limit },
  );
  return rows.map(({ kind, id, version }) => ({
    id: String(id),
    version: Number(version),
    ...(kind !== "" && { removed: kind as ContactKind }),
  }));
}

export async function deleteContactChanges(
  tx: Db,
  installation: string,
  changes: readonly DueContactChange[],
): Promise<void> {
  for (const { id, removed = "", version } of changes)
    tx.send(
      `DELETE FROM contact_changes
        WHERE installation = :installation AND kind = :kind AND id = :id AND version = :version`,
      { installation, kind: removed, id, version },
    );
}

export async function postponeContactChanges(tx: Db, installation: string, until: number): Promise<void> {
  await tx.run(
    "UPDATE contact_changes SET due_at = :until WHERE installation = :installation AND due_at < :until",
    { installation, until },
  );
}
