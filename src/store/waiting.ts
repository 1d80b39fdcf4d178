import type { LastUse, RefusedWebhooks, WaitingWork, WorkKind } from "./contract/waiting.ts";
import type { Db, ReadDb } from "./db/db.ts";

/**
 * The installations that have a row in a partial index. Each is found by one step into the index, past all rows of the one
 * before: neither database does this for DISTINCT.
 */
function installationsIn(table: string, condition = "TRUE"): string {
  const first = `SELECT installation FROM ${table} WHERE ${condition}`;
  return `WITH RECURSIVE found (installation) AS (
      SELECT (${first} ORDER BY installation LIMIT 1)
      UNION ALL
      SELECT (${first} AND ${table}.installation > found.installation ORDER BY installation LIMIT 1)
        FROM found WHERE found.installation IS NOT NULL)`;
}

const existing = "FROM found WHERE installation IS NOT NULL";
const dueCall =
  "(SELECT MIN(due_at) FROM calls WHERE installation = found.installation AND due_at IS NOT NULL)";

/** One statement for each kind; all of them look only into the partial index that its lane works with. */
const statements: Readonly<Record<WorkKind, string>> = {
  deliveries: `${installationsIn("deliveries", "state IN (0, 3)")} SELECT installation ${existing}`,
  lines: `${installationsIn("lines", "open_before IS NOT NULL")} SELECT installation ${existing}`,
  calls: `${installationsIn("calls", "due_at IS NOT NULL")} SELECT installation ${existing} AND ${dueCall} <= :now`,
  "follow-ups": `${installationsIn("follow_ups", "close_at IS NOT NULL")} SELECT installation ${existing}
    AND EXISTS (SELECT 1 FROM follow_ups
      WHERE installation = found.installation AND state = 'open' AND close_at <= :now)`,
  recordings: `${installationsIn("recordings", "due_at IS NOT NULL")} SELECT installation ${existing}
    AND (SELECT MIN(due_at) FROM recordings
      WHERE installation = found.installation AND due_at IS NOT NULL) <= :now`,
  // The index of polls has the provider before the time; there are few polls, and none of an installation at rest.
  polls: `${installationsIn("asks")} SELECT installation ${existing}
    AND EXISTS (SELECT 1 FROM asks WHERE installation = found.installation AND due_at <= :now)`,
  contacts: `${installationsIn("contact_changes")} SELECT installation ${existing}
    AND EXISTS (SELECT 1 FROM contact_changes WHERE installation = found.installation AND due_at <= :now)`,
};

export async function waitingWork(
  db: ReadDb,
  now: number,
  kinds: readonly WorkKind[],
): Promise<WaitingWork[]> {
  const found: WaitingWork[] = [];
  for (const waiting of kinds) {
    const statement = statements[waiting];
    const rows = await db.all(statement, statement.includes(":now") ? { now } : {});
    found.push(...rows.map(({ installation }) => ({ installation: String(installation), waiting })));
  }
  return found;
}

export async function oldestDue(db: ReadDb): Promise<{ installation: string; due: number }[]> {
  const rows = await db.all(
    `${installationsIn("calls", "due_at IS NOT NULL")} SELECT installation, ${dueCall} AS due ${existing}`,
  );
  return rows.map(({ installation, due }) => ({ installation: String(installation), due: Number(due) }));
}

export async function quietCalls(db: ReadDb, quietSince: number): Promise<string[]> {
  const rows = await db.all(
    "SELECT installation FROM calls WHERE state = 'open' AND updated_at <= :quietSince GROUP BY installation",
    { quietSince },
  );
  return rows.map(({ installation }) => String(installation));
}

export async function lastUses(db: ReadDb): Promise<LastUse[]> {
  const rows = await db.all(
    `SELECT syncs.installation, finished_at, version, (SELECT updated_at FROM calls
        WHERE calls.installation = syncs.installation ORDER BY id DESC LIMIT 1) AS called_at
      FROM syncs LEFT JOIN numberings ON numberings.installation = syncs.installation`,
  );
  return rows.map(({ installation, finished_at: syncedAt, called_at: calledAt, version }) => ({
    installation: String(installation),
    ...(syncedAt !== null && { syncedAt: Number(syncedAt) }),
    ...(calledAt !== null && { calledAt: Number(calledAt) }),
    ...(version !== null && { numbering: String(version) }),
  }));
}

/** Adds to what is counted already. */
export async function noteRefusals(tx: Db, refusals: readonly RefusedWebhooks[]): Promise<void> {
  for (const { installation, provider, status, count, lastAt, reason } of refusals)
    await tx.run(
      `INSERT INTO refusals (installation, provider, status, count, last_at, reason)
        VALUES (:installation, :provider, :status, :count, :lastAt, :reason)
        ON CONFLICT (installation, provider, status) DO UPDATE
          SET count = refusals.count + excluded.count, last_at = excluded.last_at, reason = excluded.reason`,
      { installation, provider, status, count, lastAt, reason },
    );
}

export async function refusals(db: ReadDb, installation: string): Promise<RefusedWebhooks[]> {
  const rows = await db.all(
    `SELECT provider, status, count, last_at, reason FROM refusals
      WHERE installation = :installation ORDER BY last_at DESC`,
    { installation },
  );
  return rows.map((row) => ({
    installation,
    provider: String(row["provider"]),
    status: Number(row["status"]),
    count: Number(row["count"]),
    lastAt: Number(row["last_at"]),
    reason: String(row["reason"]),
  }));
}
