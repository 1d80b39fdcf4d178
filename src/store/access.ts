import type { Role } from "../core/principal.ts";
import type { AuditEnd, AuditFilter, AuditLine, StoredLink, StoredSession } from "./contract/access.ts";
import type { Db, ReadDb, Row } from "./db/db.ts";

/** More are not listed. */
const mostSessions = 1_000;

export async function addSession(tx: Db, session: StoredSession): Promise<void> {
  const { installation = null, credential = null, listen, ...rest } = session;
  await tx.run(
    `INSERT INTO sessions (id, role, listen, installation, name, signed_in_by, credential, address, created_at, seen_at,
        expires_at)
      VALUES (:id, :role, :listen, :installation, :name, :signedInBy, :credential, :address, :createdAt, :seenAt,
        :expiresAt)`,
    { ...rest, installation, credential, listen: Number(listen) },
  );
}

export async function session(db: ReadDb, id: string): Promise<StoredSession | undefined> {
  const row = await db.get("SELECT * FROM sessions WHERE id = :id", { id });
  return row && toSession(row);
}

export async function sessions(db: ReadDb, now: number, installation?: string): Promise<StoredSession[]> {
  const mine = installation === undefined ? "" : "AND installation = :installation";
  const rows = await db.all(
    `SELECT * FROM sessions WHERE expires_at > :now ${mine} ORDER BY seen_at DESC LIMIT ${mostSessions}`,
    { now, ...(installation !== undefined && { installation }) },
  );
  return rows.map(toSession);
}

function toSession(row: Row): StoredSession {
  return {
    id: String(row["id"]),
    role: row["role"] as Role,
    listen: Number(row["listen"]) === 1,
    name: String(row["name"]),
    signedInBy: String(row["signed_in_by"]),
    address: String(row["address"]),
    createdAt: Number(row["created_at"]),
    seenAt: Number(row["seen_at"]),
    expiresAt: Number(row["expires_at"]),
    ...(row["installation"] !== null && { installation: String(row["installation"]) }),
    ...(row["credential"] !== null && { credential: String(row["credential"]) }),
  };
}

export async function touchSession(tx: Db, id: string, seenAt: number, expiresAt: number): Promise<void> {
  await tx.run(
    "UPDATE sessions SET seen_at = :seenAt, expires_at = :expiresAt WHERE id = :id AND seen_at < :seenAt",
    { id, seenAt, expiresAt },
  );
}

export async function removeSession(tx: Db, id: string): Promise<boolean> {
  return (await tx.run("DELETE FROM sessions WHERE id = :id", { id })) === 1;
}

export async function addLink(tx: Db, { listen, ...rest }: StoredLink): Promise<void> {
  await tx.run(
    `INSERT INTO login_links (id, role, listen, installation, name, expires_at)
      VALUES (:id, :role, :listen, :installation, :name, :expiresAt)`,
    { ...rest, listen: Number(listen) },
  );
}

export async function link(db: ReadDb, id: string): Promise<StoredLink | undefined> {
  const row = await db.get("SELECT * FROM login_links WHERE id = :id", { id });
  return (
    row && {
      id: String(row["id"]),
      role: row["role"] as Role,
      listen: Number(row["listen"]) === 1,
      installation: String(row["installation"]),
      name: String(row["name"]),
      expiresAt: Number(row["expires_at"]),
    }
  );
}

export async function takeLink(tx: Db, id: string): Promise<StoredLink | undefined> {
  const found = await link(tx, id);
  // Of two that take it at once, one deletes it.
  const deleted = await tx.run("DELETE FROM login_links WHERE id = :id", { id });
  return deleted === 1 ? found : undefined;
}

export async function addAuditLine(tx: Db, line: Omit<AuditLine, "id">): Promise<number> {
  const { object = null, installation = null, detail = null, result = null, ...rest } = line;
  const row = await tx.get(
    `INSERT INTO audit (at, who, signed_in_by, action, object, installation, address, detail, result)
      VALUES (:at, :who, :signedInBy, :action, :object, :installation, :address, :detail, :result) RETURNING id`,
    { ...rest, object, installation, detail, result },
  );
  return Number(row?.["id"]);
}

export async function endAuditLine(tx: Db, id: number, end: AuditEnd): Promise<void> {
  const { result, object = null, installation = null, detail = null } = end;
  await tx.run(
    `UPDATE audit SET result = :result, object = COALESCE(CAST(:object AS text), object),
        installation = COALESCE(CAST(:installation AS text), installation), detail = CAST(:detail AS text)
      WHERE id = :id`,
    { id, result, object, installation, detail },
  );
}

export async function auditLines(
  db: ReadDb,
  { installation, before, limit }: AuditFilter,
): Promise<AuditLine[]> {
  const mine = installation === undefined ? "TRUE" : "installation = :installation";
  const rows = await db.all(
    `SELECT * FROM audit WHERE ${mine} AND id < :before ORDER BY id DESC LIMIT :limit`,
    {
      before: before ?? Number.MAX_SAFE_INTEGER,
      limit,
      ...(installation !== undefined && { installation }),
    },
  );
  return rows.map((row) => ({
    id: Number(row["id"]),
    at: Number(row["at"]),
    who: String(row["who"]),
    signedInBy: String(row["signed_in_by"]),
    action: String(row["action"]),
    address: String(row["address"]),
    ...(row["object"] !== null && { object: String(row["object"]) }),
    ...(row["installation"] !== null && { installation: String(row["installation"]) }),
    ...(row["detail"] !== null && { detail: String(row["detail"]) }),
    ...(row["result"] !== null && { result: Number(row["result"]) }),
  }));
}
