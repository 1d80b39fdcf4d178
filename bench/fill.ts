import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { numberingFor } from "../src/flow/contacts/renumber.ts";
import { openSqliteStore } from "../src/store/sqlite/store.ts";

/** Makes a store in the folder and puts rows straight into its file, which is fast and not durable. */
async function fill(folder: string, work: (db: DatabaseSync) => void): Promise<void> {
  const store = openSqliteStore(folder);
  await store.ready();
  await store.close();
  const db = new DatabaseSync(join(folder, "switchhook.db"));
  db.exec("PRAGMA synchronous = OFF; PRAGMA cache_size = -200000; BEGIN");
  work(db);
  db.exec("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
}

/** Deliveries of the last day that have been decoded, each of 600 bytes, with their digests. */
export function fillDeliveries(folder: string, count: number): Promise<void> {
  return fill(folder, (db) => {
    const delivery = db.prepare(
      `INSERT INTO deliveries (installation, provider, received_at, method, url, headers, body, state, kind, events)
        VALUES ('bench', 'retell', ?, 'POST', '/webhooks/bench/retell', '{"content-type":"application/json"}', ?, 1, 'call_ended', 1)`,
    );
    const digest = db.prepare("INSERT OR IGNORE INTO digests (digest, delivery, at) VALUES (?, ?, ?)");
    const at = Date.now() - 3_600_000;
    for (let i = 0; i < count; i++) {
      const body = Buffer.alloc(600, 120);
      body.write(`{"call_id":"filled-${i}"`);
      delivery.run(at, body);
      digest.run(randomBytes(6).readUIntBE(0, 6), i + 1, at);
    }
  });
}

/** The number of the n-th contact of `fillContacts`. */
export function numberOfContact(n: number): string {
  return `+1${2_000_000_000 + n}`;
}

export function fillContacts(folder: string, count: number): Promise<void> {
  return fill(folder, (db) => {
    const contact = db.prepare(
      "INSERT INTO contacts (installation, kind, id, generation, numbers, body) VALUES ('bench', 'contact', ?, 1, ?, ?)",
    );
    const phone = db.prepare(
      "INSERT INTO phones (installation, number, kind, id) VALUES ('bench', ?, 'contact', ?)",
    );
    // As after the first sync.
    db.prepare("INSERT INTO numberings (installation, version) VALUES ('bench', ?)").run(numberingFor("US"));
    for (let n = 0; n < count; n++) {
      const id = `c${n}`;
      const number = numberOfContact(n);
      const fields = { lifecycle: "customer", plan: "gold" };
      const body = {
        id,
        kind: "contact",
        name: `Customer ${n}`,
        company: "Example",
        ownerId: "1",
        phones: [number],
        fields,
      };
      contact.run(id, JSON.stringify([Number(number.slice(1))]), JSON.stringify(body));
      phone.run(Number(number.slice(1)), id);
    }
  });
}
