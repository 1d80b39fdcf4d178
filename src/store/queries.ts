import type { Kysely } from "kysely";
import type {
  CallFilter,
  CallRow,
  CallState,
  DeliveryNote,
  ReplayScope,
  Step,
  StoredAnswer,
  StoredDelivery,
} from "./contract.ts";
import type { Tables } from "./kysely.ts";
import { toCallRow, toDelivery, toDeliveryNote } from "./rows.ts";

/** What people ask about calls and deliveries, off the hot path: written once with Kysely for every database. */
export function queriesOver(db: Kysely<Tables>) {
  return {
    async calls(filter: CallFilter): Promise<CallRow[]> {
      let query = db.selectFrom("calls").selectAll().orderBy("id", "desc").limit(filter.limit);
      if (filter.installation) query = query.where("installation", "=", filter.installation);
      if (filter.provider) query = query.where("provider", "=", filter.provider);
      if (filter.state) query = query.where("state", "=", filter.state);
      if (filter.number) query = query.where("number", "=", filter.number);
      if (filter.since) query = query.where("created_at", ">=", Date.parse(filter.since));
      if (filter.until) query = query.where("created_at", "<", Date.parse(filter.until));
      if (filter.before !== undefined) query = query.where("id", "<", filter.before);
      return (await query.execute()).map(toCallRow);
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

    async unusedDeliveries(limit: number, installation?: string): Promise<DeliveryNote[]> {
      let query = db
        .selectFrom("deliveries")
        .selectAll()
        .where("state", "in", [1, 2])
        .where("events", "=", 0);
      if (installation) query = query.where("installation", "=", installation);
      return (await query.orderBy("id", "desc").limit(limit).execute()).map(toDeliveryNote);
    },

    async deliveriesIn(scope: ReplayScope, after: number, limit: number): Promise<StoredDelivery[]> {
      let query = db.selectFrom("deliveries").selectAll().where("id", ">", after).orderBy("id").limit(limit);
      // There is nothing in an erased one to decode.
      query = query.where((row) => row.or([row("kind", "is", null), row("kind", "!=", "erased")]));
      if (scope.installation) query = query.where("installation", "=", scope.installation);
      if (scope.provider) query = query.where("provider", "=", scope.provider);
      if (scope.since) query = query.where("received_at", ">=", Date.parse(scope.since));
      if (scope.key) {
        const call = db.selectFrom("calls").select("id").where("key", "=", scope.key);
        query = query.where("id", "in", db.selectFrom("events").select("delivery").where("call", "in", call));
      }
      return (await query.execute()).map(toDelivery);
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

    async counts(): Promise<
      { installation: string; state: CallState; calls: number; oldestDueAt?: number }[]
    > {
      const rows = await db
        .selectFrom("calls")
        .select((select) => [
          "installation",
          "state",
          select.fn.countAll<number>().as("calls"),
          select.fn.min("due_at").as("due"),
        ])
        .groupBy(["installation", "state"])
        .execute();
      return rows.map(({ installation, state, calls, due }) => ({
        installation,
        state: state as CallState,
        calls,
        ...(due !== null && { oldestDueAt: Number(due) }),
      }));
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
