import type { ListedMappingVersion, MappingVersion } from "./contract/mappings.ts";
import type { Db, ReadDb, Row } from "./db/db.ts";

const mostVersions = 50;

export async function addMappingVersions(
  tx: Db,
  installation: string,
  after: number,
  { versions, isShared }: { versions: readonly Omit<MappingVersion, "number">[]; isShared: boolean },
): Promise<boolean> {
  tx.lock(`mapping ${installation}`, "exclusive");
  const last = await tx.get(
    "SELECT MAX(number) AS number FROM mapping_versions WHERE installation = :installation",
    { installation },
  );
  if (Number(last?.["number"] ?? 0) !== after) return false;
  for (const [i, { at, who = null, comment = null, text }] of versions.entries()) {
    await tx.run(
      `INSERT INTO mapping_versions (installation, number, at, who, comment, text)
        VALUES (:installation, :number, :at, :who, :comment, :text)`,
      { installation, number: after + i + 1, at, who, comment, text },
    );
  }
  await tx.run("DELETE FROM mapping_versions WHERE installation = :installation AND number <= :before", {
    installation,
    before: after + versions.length - mostVersions,
  });
  const text = versions.at(-1)?.text;
  if (isShared && text !== undefined)
    await tx.run(
      `INSERT INTO mappings (installation, text) VALUES (:installation, :text)
        ON CONFLICT (installation) DO UPDATE SET text = excluded.text`,
      { installation, text },
    );
  return true;
}

export async function mappingVersions(db: ReadDb, installation: string): Promise<ListedMappingVersion[]> {
  const rows = await db.all(
    `SELECT number, at, who, comment, LENGTH(text) AS characters FROM mapping_versions
      WHERE installation = :installation ORDER BY number DESC`,
    { installation },
  );
  return rows.map((row) => ({ ...toListed(row), characters: Number(row["characters"]) }));
}

export async function mappingVersion(
  db: ReadDb,
  installation: string,
  number?: number,
): Promise<MappingVersion | undefined> {
  const which = number === undefined ? "" : "AND number = :number";
  const row = await db.get(
    `SELECT * FROM mapping_versions WHERE installation = :installation ${which} ORDER BY number DESC LIMIT 1`,
    { installation, ...(number !== undefined && { number }) },
  );
  return row && { ...toListed(row), text: String(row["text"]) };
}

function toListed(row: Row): Omit<MappingVersion, "text"> {
  return {
    number: Number(row["number"]),
    at: Number(row["at"]),
    ...(row["who"] !== null && { who: String(row["who"]) }),
    ...(row["comment"] !== null && { comment: String(row["comment"]) }),
  };
}

export async function mappingApply(
  db: ReadDb,
  installation: string,
): Promise<{ body: string; updatedAt: number } | undefined> {
  const row = await db.get("SELECT * FROM mapping_applies WHERE installation = :installation", {
    installation,
  });
  return row && { body: String(row["body"]), updatedAt: Number(row["updated_at"]) };
}

export async function saveMappingApply(
  tx: Db,
  installation: string,
  body: string,
  at: number,
): Promise<void> {
  await tx.run(
    `INSERT INTO mapping_applies (installation, body, updated_at) VALUES (:installation, :body, :at)
      ON CONFLICT (installation) DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at`,
    { installation, body, at },
  );
}
