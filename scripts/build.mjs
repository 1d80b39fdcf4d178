// dist/: the same tree as the checkout with JavaScript for TypeScript, so that every relative path stays right.
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const dist = join(root, "dist");
const command = join(dist, "src", "cli.js");

/** What the program reads at run time besides its own code. */
function assets() {
  const inFolders = ["src", "connectors", "mappings"].flatMap((folder) =>
    existsSync(join(root, folder))
      ? readdirSync(join(root, folder), { recursive: true }).map((path) => join(folder, path))
      : [],
  );
  return ["manifest.json", ...inFolders].filter((path) => /\.(json|html|css|svg|sql|txt|ya?ml)$/.test(path));
}

function fail(message) {
  console.error(`build: ${message}`);
  process.exit(1);
}

rmSync(dist, { recursive: true, force: true });
const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
const { status } = spawnSync(process.execPath, [compiler, "-p", join(root, "tsconfig.build.json")], {
  stdio: ["ignore", 2, "inherit"],
});
if (status !== 0) fail("the TypeScript compiler found the faults above. Mend them and build again.");
for (const path of assets()) cpSync(join(root, path), join(dist, path));
const pages = spawnSync(process.execPath, [join(root, "scripts", "console.mjs")], {
  stdio: ["ignore", 2, "inherit"],
});
if (pages.status !== 0) fail("the console could not be built. The reason is above.");
cpSync(join(root, "console", "dist"), join(dist, "console", "dist"), { recursive: true });

if (!existsSync(command)) fail("src/cli.ts is missing: the package would have no `switchhook` command.");
const code = readFileSync(command, "utf8").replace(/^#!.*\n/, "");
// The same flags as `npm start`: a heap that is not lazier than the work needs.
const shebang = "#!/usr/bin/env -S node --max-semi-space-size=8 --max-old-space-size=1024";
writeFileSync(command, `${shebang}\n${code}`);
chmodSync(command, 0o755);
console.error(`build: ${readdirSync(dist, { recursive: true }).length} files in dist/`);
