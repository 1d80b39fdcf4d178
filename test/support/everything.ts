import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

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
