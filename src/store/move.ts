import { createHash } from "node:crypto";
import { type ColumnValue, type Db, type ReadDb, type Row, type Values, withoutNul } from "./db/db.ts";
import { makeSecret } from "./db/rows.ts";

/** `key`: the columns that rows are read by, in order. */
type MovedTable = { name: string; key: readonly string[]; columns: readonly string[] };

const words = (text: string): string[] => text.split(" ");

/** All tables that both kinds of database have, without what each of them makes by itself. */
const tables: readonly MovedTable[] = [
  ["secrets", "name", "value"],
  [
    "sessions",
    "id",
    "role listen installation name signed_in_by credential address created_at seen_at expires_at",
  ],
  ["login_links", "id", "role listen installation name expires_at"],
  ["audit", "id", "at who signed_in_by action object installation address detail result"],
  ["installs", "name", "crm account state reason body sealed version updated_at claimed_until left_at"],
  ["syncs", "installation", "cursor generation finished_at"],
  ["numberings", "installation", "version"],
  ["owners", "installation id", "body"],
  ["contacts", "installation kind id", "generation numbers body"],
  ["phones", "installation number kind id", ""],
  ["contact_changes", "installation kind id", "due_at version"],
  ["lines", "installation provider number", "open_before"],
  ["ends", "installation provider number call", ""],
  ["answers", "installation provider ref", "at number reply why"],
  ["erased", "installation mark", "at until"],
  ["refusals", "installation provider status", "count last_at reason"],
  ["mapping_versions", "installation number", "at who comment text"],
  ["mapping_applies", "installation", "body updated_at"],
  [
    "calls",
    "id",
    "key installation provider revision body state reason number due_at attempts saved_revision contact_kind contact_id owner_id activity_id ours decision merged_into sent_at link created_at updated_at",
  ],
  ["facets", "call", "installation provider direction outcome agent line recording"],
  ["legs", "installation provider call_id", "call"],
  ["events", "call digest", "delivery body"],
  ["history", "id", "call at step detail"],
  ["asks", "call", "installation provider since due_at attempts"],
  [
    "recordings",
    "call",
    "installation state since due_at attempts seen_at told_at place bytes sha256 type reason",
  ],
  [
    "follow_ups",
    "call",
    "installation state since contact_kind contact_id number task_id fields close_at attempts reached_by reason",
  ],
  ["retries", "id", "installation failure started_by created_at place cancelled ended_at logged dead other"],
  ["retried_calls", "retry call", ""],
  ["ignored_failures", "installation failure", "at"],
  ["digests", "digest", "delivery at"],
  [
    "deliveries",
    "id",
    "installation provider received_at method url headers body state kind events repeats fault",
  ],
].map(([name = "", key = "", rest = ""]) => ({
  name,
  key: words(key),
  columns: [...words(key), ...words(rest)].filter((column) => column !== ""),
}));

const rowsAtOnce = 500;
/** Webhooks can be large, and rows are read into memory. */
const largeRowsAtOnce = 25;

export type MoveProgress = { table: string; rows: number };
export type Moved = { table: string; rows: number; sha256: string };

/** The target holds something that does not come from this source. */
export class MoveError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "MoveError";
  }
}

/**
 * Copies all rows into a target that is empty, or that an earlier run of the same move has filled in part. Resolves once
 * both have the same rows by count and checksum. Throws `MoveError`.
 */
export async function moveRows(
  source: Db,
  target: Db,
  onProgress: (progress: MoveProgress) => void,
): Promise<Moved[]> {
  await begin(source, target);
  for (const table of tables) {
    let rows = 0;
    for (let after = await placeOf(target, table); after !== "done"; ) {
      const page = await pageOf(source, table, after);
      rows += page.length;
      after = await writePage(target, table, page);
      onProgress({ table: table.name, rows });
    }
  }
  await target.run(
    `INSERT INTO marks (name, value) SELECT 'decoders', CAST(:version AS text) WHERE CAST(:version AS text) IS NOT NULL
      ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
    { version: (await source.get("SELECT value FROM marks WHERE name = 'decoders'"))?.["value"] },
  );
  const moved: Moved[] = [];
  for (const table of tables) moved.push(await compare(source, target, table, onProgress));
  await target.run("DELETE FROM marks WHERE name LIKE 'move %'");
  return moved;
}

/** The secret of the source that a target keeps, so that a move goes on only where it began. */
async function begin(source: Db, target: Db): Promise<void> {
  const secret = await source.transaction((tx) => makeSecret(tx, "move"));
  const from = Buffer.from(secret).toString("hex");
  const before = await target.get("SELECT value FROM marks WHERE name = 'move from'");
  if (before?.["value"] === from) return;
  if (before) throw new MoveError("the target holds part of another store: name an empty one");
  for (const name of ["deliveries", "calls", "contacts", "installs"])
    if (await target.get(`SELECT 1 AS one FROM ${name} LIMIT 1`))
      throw new MoveError(`the target is not empty (it has ${name}): name an empty one`);
  await target.run("DELETE FROM secrets");
  await target.run("INSERT INTO marks (name, value) VALUES ('move from', CAST(:from AS text))", { from });
}

/** The key of the last row that was copied, as JSON; undefined before the first. */
type Place = readonly ColumnValue[] | undefined | "done";

async function placeOf(target: ReadDb, { name }: MovedTable): Promise<Place> {
  const row = await target.get("SELECT value FROM marks WHERE name = :name", { name: `move ${name}` });
  const value = row?.["value"];
  if (value === undefined || value === null) return undefined;
  return value === "done" ? "done" : revived(JSON.parse(String(value)) as unknown[]);
}

function revived(key: readonly unknown[]): ColumnValue[] {
  return key.map((one) =>
    typeof one === "object" && one !== null && "hex" in one
      ? Buffer.from(String(one.hex), "hex")
      : (one as ColumnValue),
  );
}

function pageOf(db: ReadDb, { name, key, columns }: MovedTable, after: Place): Promise<Row[]> {
  const limit = name === "deliveries" ? largeRowsAtOnce : rowsAtOnce;
  const values: Record<string, ColumnValue> = {};
  if (Array.isArray(after)) for (const [i, column] of key.entries()) values[column] = after[i] as ColumnValue;
  const list = key.join(", ");
  const where = Array.isArray(after)
    ? `WHERE (${list}) > (${key.map((column) => `:${column}`).join(", ")})`
    : "";
  return db.all(`SELECT ${columns.join(", ")} FROM ${name} ${where} ORDER BY ${list} LIMIT ${limit}`, values);
}

/** The rows and how far the move has come are one transaction. */
function writePage(target: Db, { name, key, columns }: MovedTable, page: readonly Row[]): Promise<Place> {
  return target.transaction(async (tx) => {
    const insert = `INSERT INTO ${name} (${columns.join(", ")}) VALUES (${columns.map((one) => `:${one}`).join(", ")})
      ON CONFLICT DO NOTHING`;
    for (const row of page) tx.send(insert, row as Values);
    const last = page.at(-1);
    const place = last && key.map((column) => last[column] as ColumnValue);
    const value = place
      ? JSON.stringify(
          place.map((one) => (one instanceof Uint8Array ? { hex: Buffer.from(one).toString("hex") } : one)),
        )
      : "done";
    await tx.run(
      `INSERT INTO marks (name, value) VALUES (:name, CAST(:value AS text))
        ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
      { name: `move ${name}`, value },
    );
    return place ?? "done";
  });
}

async function compare(
  source: ReadDb,
  target: ReadDb,
  table: MovedTable,
  onProgress: (progress: MoveProgress) => void,
): Promise<Moved> {
  const hashes = [createHash("sha256"), createHash("sha256")] as const;
  let rows = 0;
  for (let after: Place; after !== "done"; ) {
    const [ours, theirs] = await Promise.all([pageOf(source, table, after), pageOf(target, table, after)]);
    for (const row of ours) hashes[0].update(textOf(table, row));
    for (const row of theirs) hashes[1].update(textOf(table, row));
    rows += ours.length;
    onProgress({ table: `${table.name}, compared`, rows });
    const last = ours.at(-1);
    if (ours.length !== theirs.length)
      throw new MoveError(`${table.name} differs after ${rows} rows: begin again with an empty target`);
    after = last ? table.key.map((column) => last[column] as ColumnValue) : "done";
  }
  const [sha256, other] = hashes.map((hash) => hash.digest("hex")) as [string, string];
  if (sha256 !== other)
    throw new MoveError(`a row of ${table.name} differs: begin again with an empty target`);
  return { table: table.name, rows, sha256 };
}

/** As PostgreSQL stores it, which has no NUL in text and no fractions in our columns. */
function textOf({ columns }: MovedTable, row: Row): string {
  const values = columns.map((column) => {
    const value = row[column];
    if (value === null || value === undefined) return null;
    if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
    return typeof value === "string" ? withoutNul(value) : Math.round(Number(value));
  });
  return `${JSON.stringify(values)}\n`;
}
