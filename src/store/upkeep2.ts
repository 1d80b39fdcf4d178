import type { Kysely } from "kysely";
import type { Tables } from "./kysely.ts";

const dayMs = 86_400_000;

/** Ids grow with time, so what is old stands at the start of a table: no index and no scan of the rest is needed. */
const endOfTable = Number.MAX_SAFE_INTEGER;
/** Rows deleted in one go: webhooks wait meanwhile. */
const purgedAtOnce = 500;

async function purgeDeliveries(db: Kysely<Tables>, before: number): Promise<number> {
  const old = db.selectFrom("deliveries").select("id").where("id", "<", before).where("state", "in", [1, 2]);
  for (let purged = 0; ; ) {
    const { numDeletedRows } = await db
      .deleteFrom("deliveries")
      .where("id", "in", old.orderBy("id").limit(purgedAtOnce))
      .executeTakeFirst();
    purged += Number(numDeletedRows);
    if (numDeletedRows < purgedAtOnce) return purged;
  }
}

/** The chores: replay, purge, sync state. */
export function choresOver(db: Kysely<Tables>) {
  return {
    async replay(ids: readonly number[], now: number): Promise<void> {
      const marked = [...ids];
      await db.updateTable("deliveries").set({ state: 3, fault: null }).where("id", "in", marked).execute();
      const calls = db.selectFrom("events").select("call").where("delivery", "in", marked);
      await db
        .updateTable("calls")
        .set({ due_at: now, attempts: 0 })
        .where("id", "in", calls)
        .where("state", "in", ["logged", "dead", "waiting"])
        .execute();
    },

    async purge(now: number, before: number): Promise<number> {
      await db
        .deleteFrom("digests")
        .where("at", "<", now - dayMs)
        .execute();
      await db.deleteFrom("erased").where("until", "<", now).execute();
      await db.deleteFrom("follow_ups").where("since", "<", before).execute();
      await db.deleteFrom("answers").where("at", "<", before).execute();
      const step = await db
        .selectFrom("history")
        .select("id")
        .where("at", ">=", before)
        .orderBy("id")
        .limit(1)
        .executeTakeFirst();
      await db
        .deleteFrom("history")
        .where("id", "<", step?.id ?? endOfTable)
        .execute();
      const newer = await db
        .selectFrom("deliveries")
        .select("id")
        .where("received_at", ">=", before)
        .orderBy("id")
        .limit(1)
        .executeTakeFirst();
      return purgeDeliveries(db, newer?.id ?? endOfTable);
    },

    async syncState(installation: string) {
      const row = await db
        .selectFrom("syncs")
        .selectAll()
        .where("installation", "=", installation)
        .executeTakeFirst();
      return {
        generation: row?.generation ?? 0,
        ...(row?.cursor != null && { cursor: row.cursor }),
        ...(row?.finished_at != null && { finishedAt: row.finished_at }),
      };
    },

    async saveSyncState(
      installation: string,
      state: { cursor?: string; generation: number; finishedAt?: number },
    ) {
      const place = { cursor: state.cursor ?? null, finished_at: state.finishedAt ?? null };
      await db
        .insertInto("syncs")
        .values({ installation, generation: state.generation, ...place })
        .onConflict((conflict) =>
          conflict.column("installation").doUpdateSet((is) => ({
            ...place,
            // A command of another process may have begun a listing meanwhile.
            generation: is
              .case()
              .when("excluded.generation", ">", is.ref("syncs.generation"))
              .then(is.ref("excluded.generation"))
              .else(is.ref("syncs.generation"))
              .end(),
          })),
        )
        .execute();
    },
  };
}
