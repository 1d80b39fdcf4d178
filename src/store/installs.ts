import { type Kysely, sql } from "kysely";
import type { StoredInstall } from "./contract.ts";
import type { Tables } from "./kysely.ts";

/** The installations that were made by OAuth. Each statement stands alone. */
export function installsOver(db: Kysely<Tables>) {
  return {
    async installs(): Promise<StoredInstall[]> {
      const rows = await db.selectFrom("installs").selectAll().orderBy("name").execute();
      return rows.map((row) => ({
        name: row.name,
        crm: row.crm,
        account: row.account,
        state: row.state as StoredInstall["state"],
        body: row.body,
        version: row.version,
        updatedAt: row.updated_at,
        ...(row.sealed !== null && { sealed: row.sealed }),
        ...(row.reason !== null && { reason: row.reason }),
        ...(row.left_at !== null && { leftAt: row.left_at }),
      }));
    },
    async saveInstall(install: StoredInstall, claim?: number): Promise<boolean> {
      const values = {
        crm: install.crm,
        account: install.account,
        state: install.state,
        reason: install.reason ?? null,
        body: install.body,
        sealed: install.sealed ?? null,
        version: install.version,
        updated_at: install.updatedAt,
      };
      const left_at = leftAt(install);
      if (claim !== undefined) {
        const { numUpdatedRows } = await db
          .updateTable("installs")
          .set({ ...values, left_at })
          .where("name", "=", install.name)
          .where("claimed_until", "=", claim)
          .where("state", "!=", "erasing")
          .executeTakeFirst();
        return numUpdatedRows === 1n;
      }
      const first = install.state === "active" ? null : install.updatedAt;
      const { numInsertedOrUpdatedRows } = await db
        .insertInto("installs")
        .values({ name: install.name, ...values, left_at: first })
        .onConflict((conflict) =>
          conflict
            .column("name")
            .doUpdateSet({ ...values, left_at })
            .where("installs.state", "!=", "erasing"),
        )
        .executeTakeFirst();
      return numInsertedOrUpdatedRows === 1n;
    },
    async claimInstall(name: string, now: number, until: number): Promise<boolean> {
      const { numUpdatedRows } = await db
        .updateTable("installs")
        .set({ claimed_until: until })
        .where("name", "=", name)
        .where((is) => is.or([is("claimed_until", "is", null), is("claimed_until", "<=", now)]))
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    },
    async beginErasure(name: string, at: number, now: number): Promise<boolean> {
      // Nobody's account has a blank in its id, so this one can be connected again from here on.
      const nothing = { account: `erasing ${name}`, body: "{}", sealed: null, reason: null };
      const { numUpdatedRows } = await db
        .updateTable("installs")
        .set({ ...nothing, state: "erasing", updated_at: now })
        .where("name", "=", name)
        .where("state", "in", ["removed", "reconnect"])
        .where("left_at", "=", at)
        .where((is) => is.or([is("claimed_until", "is", null), is("claimed_until", "<=", now)]))
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    },
    async releaseInstall(name: string, claim: number): Promise<void> {
      await db
        .updateTable("installs")
        .set({ claimed_until: null })
        .where("name", "=", name)
        .where("claimed_until", "=", claim)
        .execute();
    },
  };
}

/** A state that lasts keeps its beginning: settings may be changed, and keys rotated, meanwhile. */
function leftAt({ state, updatedAt }: StoredInstall) {
  return sql<number | null>`CASE WHEN ${state} = 'active' THEN NULL
    WHEN installs.state = ${state} THEN COALESCE(installs.left_at, ${updatedAt}) ELSE ${updatedAt} END`;
}
