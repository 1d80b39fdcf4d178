import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Files, Packages } from "./rules.ts";

const root = join(import.meta.dirname, "../..");

/** All code of the house by its path from the root. */
export function filesOfTheHouse(): Files {
  const folders = ["src", "connectors", "emulators", "test", "bench", "scripts", "console"].filter((name) =>
    existsSync(join(root, name)),
  );
  const paths = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((path) => folder !== "console" || !path.startsWith("dist"))
      .map((path) => `${folder}/${path}`),
  );
  const code = [...paths, "vitest.config.ts"].filter((path) => /\.(ts|mts|cts|tsx|mjs|js)$/.test(path));
  return new Map(code.map((path) => [path.replaceAll("\\", "/"), readFileSync(join(root, path), "utf8")]));
}

export function packagesOfTheHouse(): Packages {
  return { ...namesIn("package.json"), ofEmulators: namesIn("emulators/package.json").devDependencies };
}

function namesIn(path: string): { dependencies: string[]; devDependencies: string[] } {
  const { dependencies = {}, devDependencies = {} } = JSON.parse(
    readFileSync(join(root, path), "utf8"),
  ) as Record<string, Record<string, string>>;
  return { dependencies: Object.keys(dependencies), devDependencies: Object.keys(devDependencies) };
}
