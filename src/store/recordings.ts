import type { Kysely, Selectable } from "kysely";
import type { RecordingState, TrackedRecording } from "../core/tracked-call.ts";
import type { RecordingStore } from "./contract-recordings.ts";
import type { Tables } from "./kysely.ts";
import { toCallRow } from "./rows.ts";

export function recordingsOver(db: Kysely<Tables>): RecordingStore {
  const toRow = (row: RecordingColumns): TrackedRecording => ({
    call: row.call,
    installation: row.installation,
    state: row.state as RecordingState,
    since: row.since,
    attempts: row.attempts,
    ...(row.due_at !== null && { dueAt: row.due_at }),
    ...(row.seen_at !== null && { seenAt: row.seen_at }),
    ...(row.told_at !== null && { toldAt: row.told_at }),
    ...(row.place !== null && { place: row.place }),
    ...(row.bytes !== null && { bytes: row.bytes }),
    ...(row.sha256 !== null && { sha256: row.sha256 }),
    ...(row.type !== null && { type: row.type }),
    ...(row.reason !== null && { reason: row.reason }),
  });

  return {
    async dueAsks(installation, provider, now, limit) {
      const rows = await db
        .selectFrom("asks")
        .innerJoin("calls", "calls.id", "asks.call")
        .selectAll("calls")
        .select(["asks.since as ask_since", "asks.attempts as ask_attempts"])
        .where("asks.installation", "=", installation)
        .where("asks.provider", "=", provider)
        .where("asks.due_at", "<=", now)
        .orderBy("asks.due_at")
        .limit(limit)
        .execute();
      return rows.map((row) => ({ row: toCallRow(row), since: row.ask_since, attempts: row.ask_attempts }));
    },

    async putOffAsks(calls, until) {
      if (until === undefined)
        await db
          .deleteFrom("asks")
          .where("call", "in", [...calls])
          .execute();
      else
        await db
          .updateTable("asks")
          .set((is) => ({ due_at: until, attempts: is("attempts", "+", 1) }))
          .where("call", "in", [...calls])
          .execute();
    },

    async openCalls({ installation, provider, quietSince }, after, limit) {
      const rows = await db
        .selectFrom("calls")
        .selectAll()
        .where("state", "=", "open")
        .where("installation", "=", installation)
        .where("provider", "=", provider)
        .where("updated_at", "<=", quietSince)
        .where("id", ">", after)
        .orderBy("id")
        .limit(limit)
        .execute();
      return rows.map(toCallRow);
    },

    async dueRecordings(installation, now, limit) {
      const rows = await db
        .selectFrom("recordings")
        .selectAll()
        .where("installation", "=", installation)
        .where("due_at", "<=", now)
        .orderBy("due_at")
        .limit(limit)
        .execute();
      return rows.map(toRow);
    },

    async nextRecording(installation) {
      const row = await db
        .selectFrom("recordings")
        .select((select) => select.fn.min("due_at").as("due"))
        .where("installation", "=", installation)
        .where("due_at", "is not", null)
        .executeTakeFirst();
      return row?.due == null ? undefined : Number(row.due);
    },

    async keptRecordings(installation, after, limit) {
      const rows = await db
        .selectFrom("recordings")
        .selectAll()
        .where("installation", "=", installation)
        .where("place", "is not", null)
        .where("call", ">", after)
        .orderBy("call")
        .limit(limit)
        .execute();
      return rows.map(toRow);
    },

    async recording(call) {
      const row = await db.selectFrom("recordings").selectAll().where("call", "=", call).executeTakeFirst();
      return row && toRow(row);
    },

    async saveRecording({ call, state, since, attempts, ...more }, was) {
      const { numUpdatedRows } = await db
        .updateTable("recordings")
        .set({
          state,
          since,
          attempts,
          due_at: more.dueAt ?? null,
          seen_at: more.seenAt ?? null,
          told_at: more.toldAt ?? null,
          place: more.place ?? null,
          bytes: more.bytes ?? null,
          sha256: more.sha256 ?? null,
          type: more.type ?? null,
          reason: more.reason ?? null,
        })
        .where("call", "=", call)
        .where("state", "=", was)
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    },

    async deleteRecording({ call, installation }, now) {
      const deleted = { state: "deleted", due_at: now, attempts: 0, reason: "it was deleted on request" };
      await db
        .insertInto("recordings")
        .values({ call, installation, since: now, ...deleted })
        .onConflict((conflict) =>
          conflict.column("call").doUpdateSet(deleted).where("recordings.state", "!=", "erase"),
        )
        .execute();
    },

    async leaveCopy(call, place, now) {
      const { numUpdatedRows } = await db
        .updateTable("recordings")
        .set({ place, due_at: now })
        .where("call", "=", call)
        .where("state", "in", ["erase", "deleted"])
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    },

    async forgetRecording(call) {
      await db.deleteFrom("recordings").where("call", "=", call).execute();
    },

    async relink(call, link, now) {
      await db
        .updateTable("calls")
        .set((is) => ({
          link,
          due_at: is
            .case()
            .when("state", "=", "logged")
            .then(is.fn.coalesce("due_at", is.cast<number>(is.val(now), "bigint")))
            .else(is.ref("due_at"))
            .end(),
        }))
        .where("id", "=", call)
        .execute();
    },
  };
}

type RecordingColumns = Selectable<Tables["recordings"]>;
