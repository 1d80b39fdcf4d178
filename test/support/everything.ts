import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Where something stands in the bytes of the data folder of a test server, with what is around it. */
export function tracesIn(folder: string, of: RegExp): string[] {
  const data = join(folder, "data");
  if (!existsSync(data)) throw new Error(`${data} is not there`);
  const paths = readdirSync(data, { recursive: true, encoding: "utf8" }).map((path) => join(data, path));
  return paths
    .filter((path) => statSync(path).isFile())
    .flatMap((path) => {
      const text = readFileSync(path, "latin1");
      return [...text.matchAll(new RegExp(of, "g"))].map(
        ({ index }) => `${path}: ${JSON.stringify(text.slice(Math.max(0, index - 20), index + 40))}`,
      );
    });
}

/** Every table of a database whole, as one text; bytes as text. */
export function everythingIn(file: string): string {
  const db = new DatabaseSync(file, { readOnly: true });
  const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
  const rows = tables.flatMap(({ name }) => db.prepare(`SELECT * FROM "${name}"`).all());
  db.close();
  return JSON.stringify(rows, (_, value) =>
    value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : value,
  );
}
