import type { Contact } from "../core/contact.ts";
import type { InstallState } from "../core/tracked-call.ts";
import { toAnswer } from "./answers.ts";
import { owners } from "./contacts.ts";
import type { ExportedItem, ExportPage, StoredInstall, StoredPosition } from "./contract/installations.ts";
import type { Db, ReadDb, Row } from "./db/db.ts";
import { callsAfter, deliveriesAfter, deliveryOf, rowsAtOnce } from "./db/rows.ts";

const installColumns = "name, crm, account, state, body, version, updated_at, sealed, reason, left_at";

export async function installs(db: ReadDb): Promise<StoredInstall[]> {
  return (await db.all(`SELECT ${installColumns} FROM installs ORDER BY name`)).map(toInstall);
}

export async function install(db: ReadDb, name: string): Promise<StoredInstall | undefined> {
  const row = await db.get(`SELECT ${installColumns} FROM installs WHERE name = :name`, { name });
  return row && toInstall(row);
}

function toInstall(row: Row): StoredInstall {
  return {
    name: String(row["name"]),
    crm: String(row["crm"]),
    account: String(row["account"]),
    state: row["state"] as InstallState,
    body: String(row["body"]),
    version: Number(row["version"]),
    updatedAt: Number(row["updated_at"]),
    ...(row["sealed"] !== null && { sealed: String(row["sealed"]) }),
    ...(row["reason"] !== null && { reason: String(row["reason"]) }),
    ...(row["left_at"] !== null && { leftAt: Number(row["left_at"]) }),
  };
}

/** `left_at` stays while the state does: settings may be changed, and keys rotated, meanwhile. */
const assignments = `
  crm = :crm, account = :account, state = :state, reason = :reason, body = :body, sealed = :sealed,
  version = :version, updated_at = :updatedAt,
  left_at = CASE WHEN :state = 'active' THEN NULL
    WHEN installs.state = :state THEN COALESCE(installs.left_at, :updatedAt) ELSE :updatedAt END`;

export async function saveInstall(tx: Db, install: StoredInstall, claim?: number): Promise<boolean> {
  const { name, crm, account, state, reason, body, sealed, version, updatedAt } = install;
  const values = { name, crm, account, state, reason, body, sealed, version, updatedAt };
  if (claim !== undefined) {
    const changed = await tx.run(
      `UPDATE installs SET ${assignments} WHERE name = :name AND claimed_until = :claim AND state <> 'erasing'`,
      { ...values, claim },
    );
    return changed === 1;
  }
  const changed = await tx.run(
    `INSERT INTO installs (name, crm, account, state, reason, body, sealed, version, updated_at, left_at)
      VALUES (:name, :crm, :account, :state, :reason, :body, :sealed, :version, :updatedAt, :leftAt)
      ON CONFLICT (name) DO UPDATE SET ${assignments} WHERE installs.state <> 'erasing'`,
    { ...values, leftAt: state === "active" ? null : updatedAt },
  );
  return changed === 1;
}

const unclaimed = "(claimed_until IS NULL OR claimed_until <= :now)";

export async function claimInstall(tx: Db, name: string, now: number, until: number): Promise<boolean> {
  const changed = await tx.run(
    `UPDATE installs SET claimed_until = :until WHERE name = :name AND ${unclaimed}`,
    { name, now, until },
  );
  return changed === 1;
}

export async function releaseInstall(tx: Db, name: string, claim: number): Promise<void> {
  await tx.run("UPDATE installs SET claimed_until = NULL WHERE name = :name AND claimed_until = :claim", {
    name,
    claim,
  });
}

export async function beginErasure(tx: Db, name: string, leftAt: number, now: number): Promise<boolean> {
  const changed = await tx.run(
    `UPDATE installs SET state = 'erasing', account = :account, body = '{}', sealed = NULL, reason = NULL,
        updated_at = :now
      WHERE name = :name AND state IN ('removed', 'reconnect') AND left_at = :leftAt AND ${unclaimed}`,
    // An account's id has no blank, so the account can be connected again from here on.
    { name, leftAt, now, account: `erasing ${name}` },
  );
  return changed === 1;
}

/** `next`: after what the next step of the same kind starts. */
type Batch = { items: ExportedItem[]; next?: StoredPosition["after"] };
type Reader = (db: ReadDb, installation: string, after: StoredPosition["after"]) => Promise<Batch>;

const readers: readonly Reader[] = [readOwners, readContacts, readCalls, readAnswers, readDeliveries];

export async function exportPage(
  db: ReadDb,
  installation: string,
  { step, after }: StoredPosition = { step: 0, after: [] },
): Promise<ExportPage> {
  const { items, next } = (await readers[step]?.(db, installation, after)) ?? { items: [] };
  if (next) return { items, next: { step, after: next } };
  return { items, ...(step + 1 < readers.length && { next: { step: step + 1, after: [] } }) };
}

async function readOwners(db: ReadDb, installation: string): Promise<Batch> {
  const found = await owners(db, installation);
  return { items: found.map((owner) => ({ type: "owner", owner })) };
}

async function readContacts(
  db: ReadDb,
  installation: string,
  [kind = "", id = ""]: StoredPosition["after"],
): Promise<Batch> {
  const rows = await db.all(
    `SELECT kind, id, body FROM contacts WHERE installation = :installation AND (kind, id) > (:kind, :id)
      ORDER BY kind, id LIMIT ${rowsAtOnce}`,
    { installation, kind, id },
  );
  const contacts = rows.map(({ body }) => JSON.parse(String(body)) as Contact);
  return {
    items: contacts.map((contact) => ({ type: "contact", contact })),
    ...nextAfter(rows, "kind", "id"),
  };
}

async function readCalls(
  db: ReadDb,
  installation: string,
  [after = ""]: StoredPosition["after"],
): Promise<Batch> {
  const calls = await callsAfter(db, installation, String(after));
  const last = calls.at(-1);
  return {
    items: calls.map((call) => ({ type: "call", ...call })),
    ...(calls.length === rowsAtOnce && last && { next: [last.key] }),
  };
}

async function readAnswers(
  db: ReadDb,
  installation: string,
  [provider = "", ref = ""]: StoredPosition["after"],
): Promise<Batch> {
  const rows = await db.all(
    `SELECT provider, ref, at, number, reply, why FROM answers
      WHERE installation = :installation AND (provider, ref) > (:provider, :ref)
      ORDER BY provider, ref LIMIT ${rowsAtOnce}`,
    { installation, provider, ref },
  );
  const items = rows.map((row): ExportedItem => {
    return { type: "answer", provider: String(row["provider"]), ...toAnswer(row) };
  });
  return { items, ...nextAfter(rows, "provider", "ref") };
}

async function readDeliveries(
  db: ReadDb,
  installation: string,
  [after = 0]: StoredPosition["after"],
): Promise<Batch> {
  const { ids, next } = await deliveriesAfter(db, installation, Number(after));
  const items: ExportedItem[] = [];
  for (const id of ids) {
    const found = await deliveryOf(db, id);
    if (!found) continue;
    const { digest: _, id: __, ...delivery } = found;
    items.push({ type: "delivery", id, delivery });
  }
  return { items, ...(next !== undefined && { next: [next] }) };
}

function nextAfter(rows: readonly Row[], ...columns: readonly [string, string]): { next?: string[] } {
  const last = rows.at(-1);
  if (!last || rows.length < rowsAtOnce) return {};
  return { next: columns.map((column) => String(last[column])) };
}
