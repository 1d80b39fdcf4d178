import type { Contact } from "../core/contact.ts";
import type { Connection, Row } from "./connection.ts";
import { ownersOf } from "./contacts.ts";
import type { KeptPage, KeptPlace, KeptThing } from "./contract-installs.ts";
import { deliveryColumns, toDelivery } from "./rows.ts";

/** Rows that are read or erased in one stretch: the thread that does it has other things to do. */
export const rowsAtOnce = 200;
/** Deliveries have no index by installation, so all of them are walked through. */
const walkedAtOnce = 1_000;
/** Bodies can be large. */
const bytesAtOnce = 4 * 1024 * 1024;

/** One stretch of one kind of thing; `next`: after what the one after it starts. */
type KeptBatch = { things: KeptThing[]; next?: KeptPlace["after"] };
type Reader = (db: Connection, installation: string, after: KeptPlace["after"]) => KeptBatch;

const readers: readonly Reader[] = [
  (db, installation) => ({ things: ownersOf(db, installation).map((owner) => ({ type: "owner", owner })) }),
  readContacts,
  (db, installation, [after = ""]) => {
    const calls = callsAfter(db, installation, String(after));
    const last = calls.at(-1);
    const things = calls.map((call): KeptThing => ({ type: "call", ...call }));
    return { things, ...(calls.length === rowsAtOnce && last && { next: [last.key] }) };
  },
  readAnswers,
  (db, installation, [after = 0]) => {
    const { ids, next } = deliveriesAfter(db, installation, Number(after));
    return { things: ids.flatMap((id) => deliveryOf(db, id)), ...(next !== undefined && { next: [next] }) };
  },
];

/** A stretch of what is kept of an installation. */
export function keptOf(db: Connection, installation: string, from?: KeptPlace): KeptPage {
  const { step, after } = from ?? { step: 0, after: [] };
  const { things, next } = readers[step]?.(db, installation, after) ?? { things: [] };
  if (next) return { things, next: { step, after: next } };
  return { things, ...(step + 1 < readers.length && { next: { step: step + 1, after: [] } }) };
}

/** Calls in the order of their keys, which start with the name of the installation. */
export function callsAfter(
  db: Connection,
  installation: string,
  after: string,
): { id: number; key: string }[] {
  const rows = db.all(
    "SELECT id, key FROM calls WHERE key > ? AND key < ? ORDER BY key LIMIT ?",
    after || `${installation}:`,
    // The character behind the colon.
    `${installation};`,
    rowsAtOnce,
  );
  return rows.map(({ id, key }) => ({ id: Number(id), key: String(key) }));
}

/** The ids of deliveries of an installation in a stretch of all deliveries, which may have none. `next`: its end. */
export function deliveriesAfter(
  db: Connection,
  installation: string,
  after: number,
): { ids: number[]; next?: number } {
  const first = db.get("SELECT MIN(id) AS id FROM deliveries WHERE id > ?", after)?.["id"];
  if (first == null) return { ids: [] };
  const end = Number(first) + walkedAtOnce;
  const rows = db.all(
    "SELECT id, length(body) AS bytes FROM deliveries WHERE id >= ? AND id < ? AND installation = ? ORDER BY id",
    Number(first),
    end,
    installation,
  );
  let bytes = 0;
  const ids: number[] = [];
  for (const row of rows) {
    if (ids.length === rowsAtOnce || (bytes > 0 && bytes + Number(row["bytes"]) > bytesAtOnce))
      return { ids, next: ids.at(-1) ?? after };
    ids.push(Number(row["id"]));
    bytes += Number(row["bytes"]);
  }
  return { ids, next: end - 1 };
}

function readContacts(
  db: Connection,
  installation: string,
  [kind = "", id = ""]: KeptPlace["after"],
): KeptBatch {
  const rows = db.all(
    "SELECT kind, id, body FROM contacts WHERE installation = ? AND (kind, id) > (?, ?) ORDER BY kind, id LIMIT ?",
    installation,
    kind,
    id,
    rowsAtOnce,
  );
  const things = rows.map(({ body }): KeptThing => {
    return { type: "contact", contact: JSON.parse(String(body)) as Contact };
  });
  return { things, ...nextAfter(rows, "kind", "id") };
}

function readAnswers(
  db: Connection,
  installation: string,
  [provider = "", ref = ""]: KeptPlace["after"],
): KeptBatch {
  const rows = db.all(
    `SELECT provider, ref, at, number, reply, why FROM answers
      WHERE installation = ? AND (provider, ref) > (?, ?) ORDER BY provider, ref LIMIT ?`,
    installation,
    provider,
    ref,
    rowsAtOnce,
  );
  const things = rows.map((row): KeptThing => {
    return {
      type: "answer",
      provider: String(row["provider"]),
      ref: String(row["ref"]),
      at: Number(row["at"]),
      ...(row["number"] !== null && { number: String(row["number"]) }),
      reply: JSON.parse(String(row["reply"])) as unknown,
      why: JSON.parse(String(row["why"])) as unknown,
    };
  });
  return { things, ...nextAfter(rows, "provider", "ref") };
}

function nextAfter(rows: readonly Row[], ...columns: readonly [string, string]): { next?: string[] } {
  const last = rows.at(-1);
  if (!last || rows.length < rowsAtOnce) return {};
  return { next: columns.map((column) => String(last[column])) };
}

/** Of one that was erased there is nothing to tell. */
function deliveryOf(db: Connection, id: number): KeptThing[] {
  const row = db.get(`SELECT ${deliveryColumns} FROM deliveries WHERE id = ? AND kind IS NOT 'erased'`, id);
  if (!row) return [];
  const { digest: _, id: __, ...delivery } = toDelivery(row);
  return [{ type: "delivery", id, delivery }];
}
