import type { StoredAnswer } from "./contract/calls.ts";
import type { Db, ReadDb, Row } from "./db/db.ts";
import { erasedLately, markOf } from "./erasure/calls.ts";

const answerColumns = "provider, ref, at, number, reply, why";

export async function answer(
  db: ReadDb,
  installation: string,
  provider: string,
  ref: string,
): Promise<StoredAnswer | undefined> {
  const row = await db.get(
    `SELECT ${answerColumns} FROM answers
      WHERE installation = :installation AND provider = :provider AND ref = :ref`,
    { installation, provider, ref },
  );
  return row && toAnswer(row);
}

export async function answersNear(
  db: ReadDb,
  installation: string,
  number: string,
  { from, to }: { from: number; to: number },
): Promise<StoredAnswer[]> {
  const rows = await db.all(
    `SELECT ${answerColumns} FROM answers
      WHERE installation = :installation AND number = :number AND at >= :from AND at <= :to ORDER BY at`,
    { installation, number, from, to },
  );
  return rows.map(toAnswer);
}

export function toAnswer(row: Row): StoredAnswer {
  return {
    ref: String(row["ref"]),
    at: Number(row["at"]),
    reply: JSON.parse(String(row["reply"])) as unknown,
    why: JSON.parse(String(row["why"])) as Record<string, unknown>,
    ...(row["number"] !== null && { number: String(row["number"]) }),
  };
}

/** Not when it is about a person who was erased after it was given. */
export async function saveAnswer(
  tx: Db,
  { installation, provider, now }: { installation: string; provider: string; now: number },
  { ref, at, number, reply, why, outdatedBefore = 0 }: StoredAnswer & { outdatedBefore?: number },
): Promise<StoredAnswer | undefined> {
  const erasedAt = number === undefined ? undefined : await erasedLately(tx, installation, now);
  const lastErased = number === undefined ? undefined : await erasedAt?.(markOf.number(number));
  if (lastErased !== undefined && lastErased >= at) return undefined;
  await tx.run(
    `INSERT INTO answers (installation, provider, ref, at, number, reply, why)
      VALUES (:installation, :provider, :ref, :at, :number, :reply, :why)
      ON CONFLICT (installation, provider, ref) DO UPDATE
        SET at = excluded.at, number = excluded.number, reply = excluded.reply, why = excluded.why
        WHERE answers.at < :outdatedBefore`,
    {
      installation,
      provider,
      ref,
      at,
      number,
      reply: JSON.stringify(reply),
      why: JSON.stringify(why),
      outdatedBefore,
    },
  );
  return answer(tx, installation, provider, ref);
}

export async function answerNumbers(
  db: ReadDb,
  installation: string,
  after: string,
  limit: number,
): Promise<string[]> {
  const rows = await db.all(
    `SELECT DISTINCT number FROM answers WHERE installation = :installation AND number > :after
      ORDER BY number LIMIT :limit`,
    { installation, after, limit },
  );
  return rows.map(({ number }) => String(number));
}

export async function renumberAnswers(
  tx: Db,
  installation: string,
  answers: readonly { was: string; number: string }[],
): Promise<void> {
  for (const { was, number } of answers)
    await tx.run("UPDATE answers SET number = :number WHERE installation = :installation AND number = :was", {
      installation,
      was,
      number,
    });
}
