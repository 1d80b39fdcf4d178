// Builds the console into console/dist, unless the build there is of the same sources.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const folder = join(root, "console");
const stamp = join(folder, "dist", ".built-from");

/** What a build depends on: the sources, and the versions of all packages. */
function sources() {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.startsWith(join(folder, "dist")))
    .map((entry) => join(entry.parentPath, entry.name));
  const hash = createHash("sha256");
  for (const file of [...files.sort(), join(root, "package-lock.json")])
    hash.update(file.slice(root.length)).update("\0").update(readFileSync(file));
  return hash.digest("hex");
}

function isBuilt(wanted) {
  try {
    return readFileSync(stamp, "utf8") === wanted;
  } catch {
    return false;
  }
}

const wanted = sources();
if (!isBuilt(wanted)) {
  console.error("switchhook: building the console ...");
  const vite = join(root, "node_modules", "vite", "bin", "vite.js");
  const { status } = spawnSync(process.execPath, [vite, "build", folder, "--logLevel", "warn"], {
    cwd: root,
    stdio: ["ignore", 2, "inherit"],
  });
  if (status !== 0) process.exit(1);
  writeFileSync(stamp, wanted);
} else if (!process.argv.includes("--quiet")) console.error("switchhook: the console is built already");
