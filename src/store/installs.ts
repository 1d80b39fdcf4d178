import type { Kysely } from "kysely";
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
      if (claim !== undefined) {
        const { numUpdatedRows } = await db
          .updateTable("installs")
          .set(values)
          .where("name", "=", install.name)
          .where("claimed_until", "=", claim)
          .executeTakeFirst();
        return numUpdatedRows === 1n;
      }
      await db
        .insertInto("installs")
        .values({ name: install.name, ...values })
        .onConflict((conflict) => conflict.column("name").doUpdateSet(values))
        .execute();
      return true;
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
