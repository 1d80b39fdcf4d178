import type { SharedStore, Store, WorkClaim } from "../contract.ts";
import type { Db } from "../db/db.ts";
import { type DeliveryColumns, groupCommit } from "../group-commit.ts";
import { withNamedErrors } from "../named-errors.ts";
import { operations, storeOver, type Write } from "../store.ts";
import { namedError } from "./faults.ts";
import { migrate } from "./migrate.ts";
import { addNextPartitions, dropPartitions, idAt } from "./partitions.ts";
import { type Connections, openConnections } from "./pool.ts";
import { openShared, proveClaim } from "./shared.ts";

/** Connections by what they are for, so that webhooks, live calls and proofs of life never wait for the lanes' work. */
const sizes = {
  append: { size: 2, timeoutMs: 4_000 },
  read: { size: 4, timeoutMs: 10_000 },
  write: { size: 5, timeoutMs: 20_000 },
  listings: { size: 2, timeoutMs: 60_000, isPlannedAnew: true },
  instances: { size: 2, timeoutMs: 5_000 },
  answers: { size: 2, timeoutMs: 5_000 },
} as const;

/** Instances have followed a change after seconds. */
const daySeconds = 86_400;

/** After this many transactions the changes of the tallies are summed up. */
const sumEvery = 1_000;

/** The store in PostgreSQL 15 or later, which several instances share. It connects on first use. */
export function openPostgresStore(url: string, now: () => number = Date.now): Store {
  const open = (purpose: keyof typeof sizes): Connections => openConnections(url, sizes[purpose]);
  const [append, read, writer, listings] = [open("append"), open("read"), open("write"), open("listings")];
  const [instances, answers] = [open("instances"), open("answers")];
  const all = [append, read, writer, listings, instances, answers];
  let migrated: Promise<void> | undefined;
  let transactions = 0;

  const migratedOnce = (): Promise<void> => {
    migrated ??= migrate(writer).catch((error: unknown) => {
      migrated = undefined;
      throw error;
    });
    return migrated;
  };

  const afterMigration = (db: Db): Pick<Db, "all" | "get" | "transaction"> => ({
    all: async (sql, values) => {
      await migratedOnce();
      return db.all(sql, values);
    },
    get: async (sql, values) => {
      await migratedOnce();
      return db.get(sql, values);
    },
    transaction: async (work) => {
      await migratedOnce();
      return db.transaction(work);
    },
  });
  const writes = afterMigration(writer);
  const answering = afterMigration(answers);

  const backend = { read: afterMigration(read), listings: afterMigration(listings), cleanUp: async () => {} };

  /** With a claim, each transaction proves it first; `overtaken` is called when it no longer counts. */
  const writing =
    (claim?: WorkClaim, overtaken?: () => void): Write =>
    (name, ...args) => {
      transactions += 1;
      if (transactions % sumEvery === 0) void sumTallies(writer).catch(() => {});
      const operation = operations[name] as (tx: Db, ...rest: unknown[]) => Promise<never>;
      return writes.transaction(async (tx) => {
        // Sent first, and not waited for until the end: the connection answers in order, and all of it is one transaction.
        const proof = claim && proveClaim(tx, claim, overtaken);
        proof?.catch(() => {});
        try {
          return await operation(tx, ...args);
        } finally {
          await proof;
        }
      });
    };
  const unclaimed = storeOver({ ...backend, write: writing() }, now);

  const as: SharedStore["as"] = (claim, overtaken) =>
    withNamedErrors(
      { ...store, ...storeOver({ ...backend, write: writing(claim, overtaken) }, now) },
      namedError,
    );

  const store: Store = {
    ...unclaimed,
    shared: {
      ...withNamedErrors(openShared(url, afterMigration(instances)), namedError),
      as,
    },
    saveAnswer: (installation, provider, answer) =>
      answering.transaction((tx) =>
        operations.saveAnswer(tx, { installation, provider, now: now() }, answer),
      ),
    /** Nothing that is under way for it is stored from here on. */
    eraseInstallation: async (installation, options) => {
      await store.shared?.claim(installation);
      return unclaimed.eraseInstallation(installation, options);
    },
    append: groupCommit(
      async (columns) => {
        await migratedOnce();
        await appendGroup(append, columns);
      },
      { atOnce: 1, named: namedError },
    ),
    ready: async () => {
      await migratedOnce();
      // A standby, or a database that was made read-only, refuses this.
      await append.transaction((tx) => tx.all("SELECT pg_current_xact_id()"));
    },
    purge: async (at, before) => {
      await migratedOnce();
      await sumTallies(writer);
      await addNextPartitions(writer);
      await writer.run(`DELETE FROM changes WHERE id < (SELECT next_id()) - ${idAt(daySeconds)}`);
      const dropped = await dropPartitions(writer, before);
      return dropped + (await unclaimed.purge(at, before));
    },
    // PostgreSQL's own write-ahead log and checksums see to both.
    losses: async () => [],
    damage: async () => [],
    close: async () => {
      await Promise.all(all.map((one) => one.close()));
    },
  };
  return withNamedErrors(store, namedError);
}

/** One statement, and so one commit. The bodies cross as one value, because PostgreSQL's text of a list of bytes is twice as long. */
async function appendGroup(db: Db, columns: DeliveryColumns): Promise<void> {
  const { installation, provider, at, method, url, headers, body } = columns;
  const starts: number[] = [];
  let length = 0;
  for (const one of body) {
    starts.push(length + 1);
    length += one.byteLength;
  }
  await db.run(
    `INSERT INTO deliveries (installation, provider, received_at, method, url, headers, body)
      SELECT installation, provider, at, method, url, headers, substring(CAST(:bodies AS bytea) FROM starts FOR bytes)
        FROM unnest(CAST(:installation AS text[]), CAST(:provider AS text[]), CAST(:at AS bigint[]),
          CAST(:method AS text[]), CAST(:url AS text[]), CAST(:headers AS text[]), CAST(:starts AS integer[]),
          CAST(:lengths AS integer[])) AS new (installation, provider, at, method, url, headers, starts, bytes)`,
    {
      installation,
      provider,
      at,
      method,
      url,
      headers,
      bodies: Buffer.concat(body, length),
      starts,
      lengths: body.map((one) => one.byteLength),
    },
  );
}

const summedAtOnce = 50_000;
/** More than there are sums, which count as changes the next time. */
const mostRounds = 20;

/** Replaces changes of the tallies with their sums. Rows that another instance is at are left to it. */
async function sumTallies(db: Db): Promise<void> {
  for (let round = 0; round < mostRounds; round += 1) {
    const row = await db.get(
      `WITH gone AS (
          DELETE FROM tally_changes WHERE ctid = ANY (ARRAY (
            SELECT ctid FROM tally_changes LIMIT ${summedAtOnce} FOR UPDATE SKIP LOCKED)) RETURNING *),
        summed AS (INSERT INTO tally_changes SELECT installation, state, SUM(calls) FROM gone
          GROUP BY installation, state HAVING SUM(calls) <> 0)
        SELECT COUNT(*) AS n FROM gone`,
    );
    if (Number(row?.["n"]) < summedAtOnce) return;
  }
}
