import type { Connection } from "./connection.ts";
import type { LearnedLine, LineProgress, LineStore } from "./contract-lines.ts";

/** So many calls are folded again in one turn, the newest first: webhooks and callers wait meanwhile. */
const callsAtOnce = 200;

export function linesOver(db: Connection): LineStore {
  return {
    async lines(installation, provider) {
      const rows = db.all(
        "SELECT number FROM lines WHERE installation = ? AND provider = ?",
        installation,
        provider,
      );
      return rows.map(({ number }) => String(number));
    },
    async callsBetween(installation, provider, number, before = Number.MAX_SAFE_INTEGER) {
      const rows = db.all(
        `SELECT calls.id AS id, json_extract(calls.body, '$.callId') AS callId
          FROM ends JOIN calls ON calls.id = ends.call
          WHERE ends.installation = ? AND ends.provider = ? AND ends.number = ? AND ends.call < ?
          ORDER BY ends.call DESC LIMIT ${callsAtOnce}`,
        installation,
        provider,
        number,
        before,
      );
      const last = rows.length === callsAtOnce ? rows.at(-1) : undefined;
      return {
        callIds: rows.map(({ callId }) => String(callId)),
        ...(last && { openBefore: Number(last["id"]) }),
      };
    },
    async openLine(installation) {
      const row = db.get(
        "SELECT provider, number, open_before FROM lines WHERE installation = ? AND open_before IS NOT NULL LIMIT 1",
        installation,
      );
      return (
        row && {
          provider: String(row["provider"]),
          number: String(row["number"]),
          openBefore: Number(row["open_before"]),
        }
      );
    },
  };
}

/** Runs in the writer. A line that is known already keeps what is still to be done for it. */
export function writeLines(
  db: Connection,
  installation: string,
  provider: string,
  lines: readonly LearnedLine[],
): void {
  for (const { number, openBefore } of lines)
    db.run(
      "INSERT OR IGNORE INTO lines (installation, provider, number, open_before) VALUES (?, ?, ?, ?)",
      installation,
      provider,
      number,
      openBefore ?? null,
    );
}

/** Runs in the writer: how far the calls of a line have been folded again. */
export function writeLineProgress(
  db: Connection,
  installation: string,
  { provider, number, openBefore }: LineProgress,
): void {
  db.run(
    "UPDATE lines SET open_before = ? WHERE installation = ? AND provider = ? AND number = ?",
    openBefore ?? null,
    installation,
    provider,
    number,
  );
}

/** Runs in the writer: the ends of a call as they are now. */
export function writeEnds(
  db: Connection,
  { installation, provider, call }: { installation: string; provider: string; call: number },
  numbers: readonly string[],
): void {
  db.run("DELETE FROM ends WHERE call = ?", call);
  for (const number of numbers)
    db.run(
      "INSERT OR IGNORE INTO ends (installation, provider, number, call) VALUES (?, ?, ?, ?)",
      installation,
      provider,
      number,
      call,
    );
}
