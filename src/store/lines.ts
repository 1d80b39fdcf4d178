import type { Call } from "../core/call.ts";
import type { OpenLine } from "./contract/calls.ts";
import type { ReadDb } from "./db/db.ts";

export async function lines(db: ReadDb, installation: string, provider: string): Promise<string[]> {
  const rows = await db.all(
    "SELECT number FROM lines WHERE installation = :installation AND provider = :provider",
    { installation, provider },
  );
  return rows.map(({ number }) => String(number));
}

export async function openLine(db: ReadDb, installation: string): Promise<OpenLine | undefined> {
  const row = await db.get(
    `SELECT provider, number, open_before FROM lines
      WHERE installation = :installation AND open_before IS NOT NULL LIMIT 1`,
    { installation },
  );
  return (
    row && {
      provider: String(row["provider"]),
      number: String(row["number"]),
      openBefore: Number(row["open_before"]),
    }
  );
}

/** Calls that are folded again in one turn: webhooks and live calls wait meanwhile. */
const callsAtOnce = 200;

export async function callsBetween(
  db: ReadDb,
  installation: string,
  { provider, number }: { provider: string; number: string },
  before = Number.MAX_SAFE_INTEGER,
): Promise<{ callIds: string[]; openBefore?: number }> {
  const rows = await db.all(
    `SELECT calls.id AS id, calls.body AS body FROM ends JOIN calls ON calls.id = ends.call
      WHERE ends.installation = :installation AND ends.provider = :provider AND ends.number = :number
        AND ends.call < :before
      ORDER BY ends.call DESC LIMIT ${callsAtOnce}`,
    { installation, provider, number, before },
  );
  const last = rows.length === callsAtOnce ? rows.at(-1) : undefined;
  return {
    callIds: rows.map(({ body }) => (JSON.parse(String(body)) as Call).callId),
    ...(last && { openBefore: Number(last["id"]) }),
  };
}
