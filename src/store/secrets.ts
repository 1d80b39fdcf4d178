import { randomBytes } from "node:crypto";
import type { Kysely } from "kysely";
import type { Tables } from "./kysely.ts";

/** Random secrets of this store. `db` has to survive a power loss: what was made with a secret is out in the world. */
export function secretsOver(db: Kysely<Tables>) {
  const find = (name: string) =>
    db.selectFrom("secrets").select("value").where("name", "=", name).executeTakeFirst();

  return {
    async secret(name: string): Promise<Uint8Array> {
      const known = await find(name);
      if (known) return known.value;
      // Another process may have been first: its secret counts.
      await db
        .insertInto("secrets")
        .values({ name, value: randomBytes(32) })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      const made = await find(name);
      if (!made) throw new Error(`the secret ${name} was stored, and is not there`);
      return made.value;
    },
  };
}
