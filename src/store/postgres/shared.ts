import { setTimeout as pause } from "node:timers/promises";
import { StoreError } from "../../core/errors.ts";
import type { LaneName, Notice, SharedChange, SharedStore, WorkClaim } from "../contract.ts";
import type { Db, Row } from "../db/db.ts";
import { idAt } from "./partitions.ts";

type Rows = Pick<Db, "all" | "get" | "transaction">;

/** An instance that was not noted for this long does not run. */
const aliveSeconds = 15;
const isAlive = `seen_at > clock_timestamp() - interval '${aliveSeconds} seconds'`;
/** A change may be committed this long after it got its id, so the last ones are read again. */
const overlapSeconds = 15;
/** PostgreSQL takes payloads of less than 8,000 bytes. */
const longestPayload = 7_500;

/** What several instances share beside the calls. `db`: for reads and short transactions. */
export function openShared(url: string, db: Rows): Omit<SharedStore, "as"> {
  let schema: Promise<string> | undefined;
  const currentSchema = (): Promise<string> => {
    schema ??= db.get("SELECT current_schema() AS name").then((row) => String(row?.["name"]));
    schema.catch(() => {
      schema = undefined;
    });
    return schema;
  };
  const channel = async (): Promise<string> => `switchhook_${await currentSchema()}`;

  return {
    queue: { url, schema: async () => `${await currentSchema()}_jobs`.replace(/^public_/, "switchhook_") },
    async now() {
      const row = await db.get("SELECT extract(epoch FROM clock_timestamp()) * 1000 AS now");
      return Math.round(Number(row?.["now"]));
    },
    claim: (installation) =>
      db.transaction(async (tx) => {
        const row = await tx.get(
          `INSERT INTO fences (installation, epoch) VALUES (:installation, 1)
            ON CONFLICT (installation) DO UPDATE SET epoch = fences.epoch + 1 RETURNING epoch`,
          { installation },
        );
        return { installation, epoch: Number(row?.["epoch"]) };
      }),
    beat: (id, { tenancies, hasListeners, config }) =>
      db.transaction(async (tx) => {
        await tx.run(
          `INSERT INTO instances (id, tenancies, has_listeners, config, seen_at)
            VALUES (:id, :tenancies, CAST(:listeners AS integer) = 1, :config, clock_timestamp())
            ON CONFLICT (id) DO UPDATE SET tenancies = excluded.tenancies, has_listeners = excluded.has_listeners,
              config = excluded.config, seen_at = excluded.seen_at`,
          { id, tenancies, listeners: hasListeners ? 1 : 0, config },
        );
        const row = await tx.get(
          `SELECT COUNT(*) AS instances, SUM(tenancies) AS tenancies, MAX(has_listeners::integer) AS listeners,
              COUNT(DISTINCT config) AS configs FROM instances
            WHERE ${isAlive}`,
        );
        return {
          instances: Number(row?.["instances"]),
          tenancies: Number(row?.["tenancies"]),
          hasListeners: Number(row?.["listeners"]) === 1,
          configs: Number(row?.["configs"]),
        };
      }),
    leave: (id) =>
      db.transaction(async (tx) => {
        await tx.run(
          `DELETE FROM instances WHERE id = :id OR seen_at < clock_timestamp() - interval '1 day'`,
          { id },
        );
      }),
    async changesSince(position) {
      if (position === undefined) {
        const row = await db.get("SELECT next_id() AS id");
        return { changes: [], position: Number(row?.["id"]) };
      }
      const after = position - Number(idAt(overlapSeconds));
      const rows = await db.all(
        `SELECT present.id AS present, changes.id, what, name FROM (SELECT next_id() AS id) AS present
          LEFT JOIN changes ON changes.id > :after ORDER BY changes.id`,
        { after },
      );
      const changes = rows.filter(({ id }) => id !== null);
      return { changes: distinct(changes), position: Number(rows[0]?.["present"]) };
    },
    async mapping(installation) {
      const row = await db.get("SELECT text FROM mappings WHERE installation = :installation", {
        installation,
      });
      return row && String(row["text"]);
    },
    async mappings() {
      const rows = await db.all("SELECT installation, text FROM mappings ORDER BY installation");
      return rows.map((row) => ({ installation: String(row["installation"]), text: String(row["text"]) }));
    },
    saveMapping: (installation, text) =>
      db.transaction(async (tx) => {
        if (text === undefined)
          await tx.run("DELETE FROM mappings WHERE installation = :installation", { installation });
        else
          await tx.run(
            `INSERT INTO mappings (installation, text) VALUES (:installation, :text)
            ON CONFLICT (installation) DO UPDATE SET text = excluded.text`,
            { installation, text },
          );
      }),
    async notify(notice) {
      for (const payload of payloadsOf(notice))
        await db.all("SELECT pg_notify(:channel, :payload)", { channel: await channel(), payload });
    },
    async listen(heard, listening) {
      const name = await channel();
      const pass = (payload: string): void => {
        const notice = noticeOf(payload);
        if (notice) heard(notice);
      };
      return listenTo({ url, channel: name, heard: pass, listening }).stop;
    },
  };
}

/** Instances that were noted lately. */
export async function instancesAlive(db: Pick<Db, "get">): Promise<number> {
  const row = await db.get(`SELECT COUNT(*) AS n FROM instances WHERE ${isAlive}`);
  return Number(row?.["n"]);
}

/** Throws `StoreError` when another instance works for the installation, which then waits until this transaction ends. */
export async function proveClaim(
  tx: Db,
  { installation, epoch }: WorkClaim,
  overtaken?: () => void,
): Promise<void> {
  const row = await tx.get(
    "SELECT 1 FROM fences WHERE installation = :installation AND epoch = :epoch FOR SHARE",
    { installation, epoch },
  );
  if (row) return;
  overtaken?.();
  const message = `another instance works for ${installation} now`;
  throw new StoreError("overtaken", message, { cure: "it does the work from here" });
}

type NumberedChange = SharedChange & { id: number };

/** By their ids, the last of each. */
function distinct(rows: readonly Row[]): NumberedChange[] {
  const found = rows.map(({ id, what, name }): [string, NumberedChange] => [
    `${what} ${name}`,
    { what, name, id: Number(id) } as NumberedChange,
  ]);
  return [...new Map(found).values()];
}

function payloadsOf(notice: Parameters<SharedStore["notify"]>[0]): string[] {
  if (notice.kind === "free") return ["free"];
  if (notice.kind === "answers") return [`answers ${notice.from} ${notice.installation}`];
  if (notice.kind === "live") {
    const payload = `live ${notice.from} ${JSON.stringify(notice.calls)}`;
    if (Buffer.byteLength(payload) <= longestPayload) return [payload];
    const half = Math.ceil(notice.calls.length / 2);
    if (half === notice.calls.length) return [];
    const halves = [notice.calls.slice(0, half), notice.calls.slice(half)];
    return halves.flatMap((calls) => payloadsOf({ ...notice, calls }));
  }
  const payloads: string[] = [];
  for (const { installation, lane } of notice.lanes) {
    const last = payloads.at(-1);
    const name = `${installation}/${lane}`;
    if (last !== undefined && last.length + name.length < longestPayload)
      payloads[payloads.length - 1] = `${last} ${name}`;
    else payloads.push(`wake ${name}`);
  }
  return payloads;
}

/** Undefined for what a newer version, or anyone else, sends. */
function noticeOf(payload: string): Notice | undefined {
  try {
    return parsedNotice(payload);
  } catch {
    return undefined;
  }
}

function laneOf(name: string): LaneName {
  const slash = name.lastIndexOf("/");
  return { installation: name.slice(0, slash), lane: name.slice(slash + 1) };
}

function parsedNotice(payload: string): Notice | undefined {
  const [kind, ...rest] = payload.split(" ");
  if (kind === "wake") return { kind, lanes: rest.map(laneOf) };
  if (kind === "free") return { kind };
  const [what = "", name = ""] = rest;
  if (kind === "answers") return { kind, from: what, installation: name };
  if (kind === "live") {
    const calls = JSON.parse(payload.slice(`live ${what} `.length)) as Extract<
      Notice,
      { kind: "live" }
    >["calls"];
    return { kind, from: what, calls };
  }
  return kind === "changed" ? { kind, change: { what, name } as SharedChange } : undefined;
}

const longestPauseMs = 5_000;
const silentMs = 5_000;
const lookEveryMs = 10_000;

type Listening = { url: string; channel: string; heard: (payload: string) => void; listening: () => void };

/** A connection of its own, which is opened again whenever it is lost. */
function listenTo({ url, channel, heard, listening }: Listening): { stop: () => Promise<void> } {
  const stopping = new AbortController();

  /** Resolves when the connection is lost. */
  const connection = async (connected: () => void): Promise<void> => {
    const { Client } = await import("pg");
    const client = new Client({
      connectionString: url,
      application_name: "switchhook notices",
      connectionTimeoutMillis: silentMs,
      query_timeout: silentMs,
      keepAlive: true,
    });
    const lost = new Promise<void>((resolve) => {
      client.on("error", () => resolve());
      client.on("end", () => resolve());
    });
    client.on("notification", ({ payload = "" }) => heard(payload));
    try {
      await client.connect();
      await client.query(`LISTEN ${client.escapeIdentifier(channel)}`);
      connected();
      // A connection that a firewall dropped tells nothing.
      for (;;) {
        const ended = await Promise.race([lost.then(() => true), pause(lookEveryMs, false, stopping)]);
        if (ended) return;
        await client.query("SELECT 1");
      }
    } finally {
      await client.end().catch(() => {});
    }
  };

  const run = async (): Promise<void> => {
    for (let pauseMs = 100; !stopping.signal.aborted; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
      await connection(() => {
        pauseMs = 100;
        listening();
      }).catch(() => {});
      await pause(pauseMs, undefined, stopping).catch(() => {});
    }
  };
  const running = run();

  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
