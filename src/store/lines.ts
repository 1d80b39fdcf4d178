import type { Connection } from "./connection.ts";
import type { LineStore } from "./contract-lines.ts";

/** A line that becomes known late puts no more of its calls right; the newest come first. */
const callsAtOnce = 1_000;

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
    async callsBetween(installation, provider, numbers) {
      const rows = numbers.flatMap((number) =>
        db.all(
          `SELECT json_extract(calls.body, '$.callId') AS id FROM ends JOIN calls ON calls.id = ends.call
            WHERE ends.installation = ? AND ends.provider = ? AND ends.number = ?
            ORDER BY ends.call DESC LIMIT ${callsAtOnce}`,
          installation,
          provider,
          number,
        ),
      );
      return [...new Set(rows.map(({ id }) => String(id)))];
    },
  };
}

/** Runs in the writer. */
export function writeLines(
  db: Connection,
  installation: string,
  provider: string,
  numbers: readonly string[],
): void {
  for (const number of numbers)
    db.run(
      "INSERT OR IGNORE INTO lines (installation, provider, number) VALUES (?, ?, ?)",
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
