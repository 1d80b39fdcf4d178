import type { CallSearch, FoundCalls } from "./contract/call-lists.ts";
import type { ReadDb } from "./db/db.ts";
import { callColumns, toTrackedCall } from "./db/rows.ts";

/** Calls that are looked at for one page when no index has exactly what is searched for. */
const searchedAtOnce = 50_000;
/** Calls are in the order of their times, but for what a corrected clock may have exchanged. */
const clockMarginMs = 300_000;

/** Lists are by id, which follows the time; facets are in a table of their own, which only decoding writes. */
export async function findCalls(db: ReadDb, search: CallSearch): Promise<FoundCalls> {
  const { matched, recording, ...values } = search;
  const { installation, limit } = search;
  const facets = equalities(search, ["provider", "direction", "outcome", "agent", "line"]).concat(
    recording === undefined ? [] : [`facets.recording = ${recording ? 1 : 0}`],
  );
  const states = equalities(search, ["state", "number"], "calls").concat(
    search.contacts ? [`calls.id IN (${callsOf(installation)})`] : [],
    matched === undefined ? [] : [`calls.contact_id IS ${matched ? "NOT NULL" : "NULL"}`],
  );
  const before = await endOf(db, search);
  const since = search.since === undefined ? undefined : Date.parse(search.since);
  const oldest = since === undefined ? 0 : await idAt(db, since - clockMarginMs);
  const isSpan = search.since !== undefined || search.until !== undefined;
  const indexed = isSpan ? 0 : 1;
  const hasIndex = installation !== undefined && facets.length + states.length <= indexed && matched !== true;
  const floor = hasIndex ? 0 : await floorBelow(db, installation, before);
  const isOrdered = facets.length > 0;
  const id = isOrdered ? "facets.call" : "calls.id";
  const conditions = [
    `${id} < :before AND ${id} >= :after`,
    ...(installation === undefined ? [] : [`${isOrdered ? "facets" : "calls"}.installation = :installation`]),
    ...facets,
    ...states,
    ...(since === undefined ? [] : ["calls.created_at >= :since"]),
    ...(search.until === undefined ? [] : ["calls.created_at < :until"]),
  ];
  const joined = states.length > 0 || isSpan ? "facets JOIN calls ON calls.id = facets.call" : "facets";
  // Ids alone are found in an index; of a wider row SQLite scans the table backwards (3.50, without statistics).
  const rows = await db.all(
    `SELECT ${callColumns} FROM calls
      WHERE id IN (SELECT ${id} FROM ${isOrdered ? joined : "calls"}
        WHERE ${conditions.join(" AND ")} ORDER BY ${id} DESC LIMIT :most)
      ORDER BY id DESC`,
    {
      ...values,
      since,
      until: search.until && Date.parse(search.until),
      before,
      after: Math.max(floor, oldest),
      most: limit + 1,
    },
  );
  const calls = rows.slice(0, limit).map(toTrackedCall);
  const last = calls.at(-1);
  if (rows.length > limit && last) return { calls, next: last.id };
  return { calls, ...(floor > oldest && { next: floor }) };
}

/** The index of contacts is by installation. */
function callsOf(installation: string | undefined): string {
  const ours = installation === undefined ? "IN (SELECT installation FROM tallies)" : "= :installation";
  return `SELECT id FROM calls WHERE installation ${ours} AND contact_id IN (:contacts)`;
}

function equalities(search: CallSearch, names: readonly (keyof CallSearch)[], table = "facets"): string[] {
  return names.flatMap((name) => (search[name] === undefined ? [] : [`${table}.${name} = :${name}`]));
}

async function endOf(db: ReadDb, { before, until }: CallSearch): Promise<number> {
  const end = until === undefined ? undefined : await idAt(db, Date.parse(until) + clockMarginMs);
  return Math.min(before ?? Number.MAX_SAFE_INTEGER, end ?? Number.MAX_SAFE_INTEGER);
}

/** The id down to which one page is searched; 0 when there are no more calls than that. */
async function floorBelow(db: ReadDb, installation: string | undefined, before: number): Promise<number> {
  const row = await db.get(
    `SELECT call FROM facets WHERE ${installation === undefined ? "" : "installation = :installation AND "}call < :before
      ORDER BY call DESC LIMIT 1 OFFSET ${searchedAtOnce}`,
    { installation, before },
  );
  return row ? Number(row["call"]) : 0;
}

/** The smallest id of a call that came at this time or later, or one above all. Halves the range of ids. */
async function idAt(db: ReadDb, time: number): Promise<number> {
  const first = await db.get("SELECT MIN(id) AS id FROM calls");
  const last = await db.get("SELECT MAX(id) AS id FROM calls");
  let [low, high] = [Number(first?.["id"] ?? 0), Number(last?.["id"] ?? 0) + 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const row = await db.get("SELECT id, created_at FROM calls WHERE id >= :middle ORDER BY id LIMIT 1", {
      middle,
    });
    if (!row || Number(row["created_at"]) >= time) high = middle;
    else low = Number(row["id"]) + 1;
  }
  return low;
}

export async function callsOfLeg(
  db: ReadDb,
  callId: string,
  providers: readonly string[],
): Promise<string[]> {
  const rows = await db.all(
    `SELECT DISTINCT calls.key AS key FROM legs JOIN calls ON calls.id = legs.call
      WHERE legs.installation IN (SELECT installation FROM tallies) AND legs.provider IN (:providers)
        AND legs.call_id = :callId ORDER BY key`,
    { callId, providers },
  );
  return rows.map(({ key }) => String(key));
}
