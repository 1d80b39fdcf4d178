import { setTimeout as pause } from "node:timers/promises";
import { signV3 } from "@switchhook/emulators/hubspot";
import type { Pool } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { client, environment, portalWithApp, publicUrl, saveConnected } from "../support/connected.ts";
import { openInstancesWorld } from "../support/instances-world.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { seeded } from "../support/random.ts";
import { rounds } from "../support/rounds.ts";
import { waitFor } from "../support/server.ts";
import { callers } from "../support/traffic-calls.ts";

const seeds = Array.from({ length: rounds({ whole: 3, short: 1 }) }, (_, i) => 20_261_207 + i);
/** A contact of the traffic, whose calls come in all the time. */
const piet = { name: "Piet", phone: "+31612345678", mobile: "+31501234567" };
const traces = ["612345678", "501234567", piet.name];

let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

/** Tells an instance, as HubSpot does, that a contact was deleted for good. */
async function tellErased(url: string, id: string): Promise<number> {
  const body = JSON.stringify([
    { portalId: 62_515, subscriptionType: "contact.privacyDeletion", objectId: Number(id) },
  ]);
  const timestamp = Date.now();
  const signed = { method: "POST", url: `${publicUrl}/webhooks/hubspot`, body, timestamp };
  const answer = await fetch(`${url}/webhooks/hubspot`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-hubspot-signature-v3": signV3({ ...signed, secret: client.clientSecret }),
      "x-hubspot-request-timestamp": String(timestamp),
    },
    body,
  });
  return answer.status;
}

type TracedRow = { table: string; row: Record<string, unknown> };

/** The rows of all tables that have a trace of the person, also as bytes. */
async function rowsWith(database: Pool, texts: readonly string[]): Promise<TracedRow[]> {
  const { rows: tables } = await database.query(
    "SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace",
  );
  const patterns = texts.flatMap((text) => [`%${text}%`, `%${Buffer.from(text).toString("hex")}%`]);
  const found: TracedRow[] = [];
  for (const { name } of tables as { name: string }[]) {
    const { rows } = await database.query(
      `SELECT to_jsonb(t) AS row FROM "${name}" t WHERE to_jsonb(t)::text LIKE ANY ($1)`,
      [patterns],
    );
    found.push(...rows.map(({ row }): TracedRow => ({ table: name.replace(/_(\d+|rest)$/, ""), row })));
  }
  return found;
}

/** Those that do not come from a webhook which was received after the erasure: a later call is another matter. */
async function oldOnes(database: Pool, found: readonly TracedRow[]): Promise<TracedRow[]> {
  const { rows: first } = await database.query("SELECT MIN(at)::float8 AS at FROM erased");
  const erasedAt = Number(first[0]?.at);
  const { rows: later } = await database.query("SELECT id FROM deliveries WHERE received_at > $1", [
    erasedAt,
  ]);
  const { rows: calls } = await database.query(
    `SELECT call FROM events JOIN deliveries ON deliveries.id = events.delivery
      GROUP BY call HAVING MIN(received_at) > $1`,
    [erasedAt],
  );
  const deliveries = new Set(later.map(({ id }) => Number(id)));
  const laterCalls = new Set(calls.map(({ call }) => Number(call)));
  return found.filter(({ table, row }) => {
    if (table === "deliveries") return !deliveries.has(Number(row["id"]));
    if (table === "events") return !deliveries.has(Number(row["delivery"]));
    if (table === "answers") return Number(row["at"]) <= erasedAt;
    // The events of a leg are those of its call.
    const call = table === "calls" ? (row["merged_into"] ?? row["id"]) : row["call"];
    return !laterCalls.has(Number(call));
  });
}

test.each(seeds)(
  "a person is erased while their webhooks arrive at two instances (seed %i)",
  {
    timeout: 300_000,
  },
  async (seed) => {
    const random = seeded(seed);
    const portal = await portalWithApp();
    for (const contact of [
      { name: "Asha", phone: "+919876543210" },
      { name: "Jane", phone: "+14155550123" },
    ])
      portal.addContact(contact);
    const id = portal.addContact(piet);
    const world = await openInstancesWorld({
      postgres,
      random,
      instances: 2,
      crms: {},
      file: { publicUrl, apps: { hubspot: portal.app } },
      environment,
      prepare: (store) =>
        saveConnected(store, {
          ...{ name: "hub", crm: "hubspot", account: "62515" },
          grant: portal.grant(),
          providers: callers,
        }),
    });
    const { store, database } = world;
    await waitFor("the first sync", async () => (await store.syncState("hub")).finishedAt);
    const traffic = world.traffic(4, {
      installations: ["hub"],
      strangers: 0,
      repeats: 0.2,
      shuffled: 0.1,
      merged: 0.1,
    });
    await waitFor("calls of this person", async () => {
      const { rows } = await database.query("SELECT 1 FROM calls WHERE contact_id = $1 LIMIT 3", [id]);
      return rows.length === 3;
    });
    await pause(random.below(2_000));
    portal.portal.people.privacyDelete(id);
    expect(await tellErased(world.nextUrl(), id)).toBe(200);
    await pause(3_000);
    await traffic.finish();
    await world.settled(120, ["hub"]);
    // The second round of an erasure.
    await pause(1_500);
    const found = await rowsWith(database, traces);
    expect(found.length).toBeGreaterThan(0);
    const old = await oldOnes(database, found);
    expect(old.length, JSON.stringify(old.slice(0, 3))).toBe(0);
    const { rows } = await database.query(
      "SELECT key FROM calls WHERE contact_id = $1 UNION ALL SELECT id FROM contacts WHERE id = $1 UNION ALL SELECT id FROM phones WHERE id = $1",
      [id],
    );
    expect(rows).toEqual([]);
    // Others are still logged.
    expect(portal.calls().filter(({ contactId }) => contactId !== undefined)).not.toEqual([]);
  },
);
