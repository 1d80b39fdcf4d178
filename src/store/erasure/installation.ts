import type { InstallStore, StoredPosition } from "../contract/installations.ts";
import type { Db } from "../db/db.ts";
import { callsAfter, deliveriesAfter, deliveryOf, rowsAtOnce } from "../db/rows.ts";

type ErasedBatch = { rows: number; next?: StoredPosition["after"] };
type Eraser = (tx: Db, installation: string, after: StoredPosition["after"]) => Promise<ErasedBatch>;

/** Tables with an index that starts with the installation, each with its primary key. */
const byInstallation = {
  phones: "installation, number, kind, id",
  contacts: "installation, kind, id",
  contact_changes: "installation, kind, id",
  owners: "installation, id",
  legs: "installation, provider, call_id",
  answers: "installation, provider, ref",
  erased: "installation, mark",
  lines: "installation, provider, number",
  ends: "installation, provider, number, call",
  refusals: "installation, provider, status",
  mapping_versions: "installation, number",
  mapping_applies: "installation",
  sessions: "id",
  login_links: "id",
  audit: "id",
  retries: "id",
  ignored_failures: "installation, failure",
} as const;

const erasers: readonly Eraser[] = [
  ...Object.entries(byInstallation).map(
    ([table, key]): Eraser =>
      async (tx, installation) => {
        const some = `SELECT ${key} FROM ${table} WHERE installation = :installation LIMIT ${rowsAtOnce}`;
        const rows = await tx.run(`DELETE FROM ${table} WHERE (${key}) IN (${some})`, { installation });
        return { rows, ...(rows === rowsAtOnce && { next: [] }) };
      },
  ),
  eraseCalls,
  eraseDeliveries,
];

async function eraseCalls(tx: Db, installation: string): Promise<ErasedBatch> {
  const calls = await callsAfter(tx, installation, "");
  for (const { id } of calls) {
    for (const table of ["events", "history", "asks", "recordings", "follow_ups", "facets", "retried_calls"])
      await tx.run(`DELETE FROM ${table} WHERE call = :id`, { id });
    await tx.run("DELETE FROM calls WHERE id = :id", { id });
  }
  return { rows: calls.length, ...(calls.length === rowsAtOnce && { next: [] }) };
}

async function eraseDeliveries(
  tx: Db,
  installation: string,
  [after = 0]: StoredPosition["after"],
): Promise<ErasedBatch> {
  const { ids, next } = await deliveriesAfter(tx, installation, Number(after));
  for (const id of ids) {
    const digest = (await deliveryOf(tx, id))?.digest;
    if (digest !== undefined)
      await tx.run("DELETE FROM digests WHERE digest = :digest AND delivery = :id", { digest, id });
    await tx.run("DELETE FROM deliveries WHERE id = :id", { id });
  }
  return { rows: ids.length, ...(next !== undefined && { next: [next] }) };
}

/** Erases a batch of rows; all but the row in `installs`. */
export async function eraseStep(
  tx: Db,
  installation: string,
  { step, after }: StoredPosition,
): Promise<{ rows: number; next?: StoredPosition }> {
  const { rows, next } = (await erasers[step]?.(tx, installation, after)) ?? { rows: 0 };
  if (next) return { rows, next: { step, after: next } };
  return { rows, ...(step + 1 < erasers.length && { next: { step: step + 1, after: [] } }) };
}

/** Erases what remains after all steps, and what came in meanwhile. */
export async function eraseRest(tx: Db, installation: string): Promise<void> {
  await tx.run("DELETE FROM deliveries WHERE installation = :installation AND state IN (0, 3)", {
    installation,
  });
  for (const table of ["syncs", "numberings"])
    await tx.run(`DELETE FROM ${table} WHERE installation = :installation`, { installation });
  await tx.run("DELETE FROM installs WHERE name = :installation AND state = 'erasing'", { installation });
}

type EraseStep = (position: StoredPosition) => ReturnType<typeof eraseStep>;

/** False when it was stopped. */
export async function eraseInSteps(
  erase: EraseStep,
  { signal, onProgress }: Parameters<InstallStore["eraseInstallation"]>[1] = {},
): Promise<boolean> {
  let rows = 0;
  for (let position: StoredPosition | undefined = { step: 0, after: [] }; position; ) {
    if (signal?.aborted) return false;
    const done: Awaited<ReturnType<EraseStep>> = await erase(position);
    rows += done.rows;
    onProgress?.(rows);
    position = done.next;
  }
  return true;
}
