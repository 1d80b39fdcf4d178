import type { Kysely } from "kysely";
import type { TrackedCall } from "../core/tracked-call.ts";
import type { CallFilter, DeliveryNote, ReplayScope, StoredDelivery } from "./contract.ts";
import type { Tables } from "./kysely.ts";
import { toCallRow, toDelivery, toDeliveryNote } from "./rows.ts";

/**
 * What people look for among all calls and deliveries: written once with Kysely for every database. With a filter that
 * few of a million match it may take a second, so it must not be asked on the thread that serves.
 */
export function listingsOver(db: Kysely<Tables>) {
  return {
    async calls(filter: CallFilter): Promise<TrackedCall[]> {
      let query = db.selectFrom("calls").selectAll().orderBy("id", "desc").limit(filter.limit);
      if (filter.installation) query = query.where("installation", "=", filter.installation);
      // The index of numbers is by installation.
      else if (filter.number)
        query = query.where("installation", "in", db.selectFrom("tallies").select("installation"));
      if (filter.provider) query = query.where("provider", "=", filter.provider);
      if (filter.state) query = query.where("state", "=", filter.state);
      if (filter.number) query = query.where("number", "=", filter.number);
      if (filter.since) query = query.where("created_at", ">=", Date.parse(filter.since));
      if (filter.until) query = query.where("created_at", "<", Date.parse(filter.until));
      if (filter.before !== undefined) query = query.where("id", "<", filter.before);
      return (await query.execute()).map(toCallRow);
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
  };
}
