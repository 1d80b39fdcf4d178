import type { Kysely } from "kysely";
import type { CallState, TrackedCall } from "../core/tracked-call.ts";
import type { DeliveryNote, Step, StoredAnswer } from "./contract.ts";
import type { Tables } from "./kysely.ts";
import { toCallRow, toDeliveryNote } from "./rows.ts";

/** What is asked about one call, one caller or how many there are: quick however many there are. */
export function queriesOver(db: Kysely<Tables>) {
  return {
    async callById(id: number): Promise<TrackedCall | undefined> {
      const row = await db.selectFrom("calls").selectAll().where("id", "=", id).executeTakeFirst();
      return row && toCallRow(row);
    },

    async idOf(key: string): Promise<number | undefined> {
      const row = await db.selectFrom("calls").select("id").where("key", "=", key).executeTakeFirst();
      return row?.id;
    },

    async history(call: number): Promise<Step[]> {
      const rows = await db
        .selectFrom("history")
        .selectAll()
        .where("call", "=", call)
        .orderBy("id")
        .execute();
      return rows.map(({ at, step, detail }) => ({ at, step, detail: JSON.parse(detail) as Step["detail"] }));
    },

    async deliveriesOf(call: number): Promise<DeliveryNote[]> {
      const rows = await db
        .selectFrom("deliveries")
        .selectAll()
        .where("id", "in", db.selectFrom("events").select("delivery").where("call", "=", call))
        .orderBy("id")
        .execute();
      return rows.map(toDeliveryNote);
    },

    async retry(key: string, now: number): Promise<boolean> {
      const { numUpdatedRows } = await db
        .updateTable("calls")
        .set({ due_at: now, attempts: 0, state: "waiting", reason: null })
        .where("key", "=", key)
        .where("state", "not in", ["merged", "open"])
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    },

    async hurry(installation: string, now: number): Promise<void> {
      await db
        .updateTable("calls")
        .set({ due_at: now, attempts: 0 })
        .where("installation", "=", installation)
        .where("due_at", ">", now)
        .execute();
    },

    async counts(): Promise<{ installation: string; state: CallState; calls: number }[]> {
      const rows = await db.selectFrom("tallies").selectAll().execute();
      return rows.map(({ state, ...rest }) => ({ ...rest, state: state as CallState }));
    },

    async answer(installation: string, provider: string, ref: string): Promise<StoredAnswer | undefined> {
      const row = await db
        .selectFrom("answers")
        .selectAll()
        .where("installation", "=", installation)
        .where("provider", "=", provider)
        .where("ref", "=", ref)
        .executeTakeFirst();
      return row && toAnswer(row);
    },

    async answersNear(
      installation: string,
      number: string,
      from: number,
      to: number,
    ): Promise<StoredAnswer[]> {
      const rows = await db
        .selectFrom("answers")
        .selectAll()
        .where("installation", "=", installation)
        .where("number", "=", number)
        .where("at", ">=", from)
        .where("at", "<=", to)
        .orderBy("at")
        .execute();
      return rows.map(toAnswer);
    },
  };
}

function toAnswer(row: {
  ref: string;
  at: number;
  number: string | null;
  reply: string;
  why: string;
}): StoredAnswer {
  return {
    ref: row.ref,
    at: row.at,
    reply: JSON.parse(row.reply) as unknown,
    why: JSON.parse(row.why) as Record<string, unknown>,
    ...(row.number !== null && { number: row.number }),
  };
}
