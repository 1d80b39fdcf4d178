// Runs a file of this project with the pinned Node, after installing whatever is missing.
// It is what `npm start`, `npm test` and the rest go through, so it uses nothing but Node itself (20 or later).
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(fileURLToPath(new URL("..", import.meta.url)));
const modules = join(root, "node_modules");
const stamp = join(modules, ".switchhook-installed");
const bin = join(modules, ".bin");
const node = join(bin, process.platform === "win32" ? "node.cmd" : "node");

/** What an install depends on: the lock file and the platform that its binaries are for. */
function wanted() {
  const lock = readFileSync(join(root, "package-lock.json"));
  return createHash("sha256").update(lock).update(`${process.platform} ${process.arch}`).digest("hex");
}

function installed() {
  try {
    if (readFileSync(stamp, "utf8") !== wanted()) return false;
  } catch {
    return false;
  }
  return spawnSync(node, ["--version"], { shell: process.platform === "win32" }).status === 0;
}

function fail(message) {
  console.error(`switchhook: ${message}`);
  process.exit(1);
}

function npm(...args) {
  const cli = process.env.npm_execpath;
  const [command, rest] = cli?.endsWith(".js") ? [process.execPath, [cli, ...args]] : ["npm", args];
  return spawnSync(command, rest, {
    cwd: root,
    stdio: ["ignore", 2, "inherit"],
    shell: process.platform === "win32",
    // `npm pack --dry-run` passes its flag on to the build, which needs the packages.
    env: { ...process.env, npm_config_dry_run: "false" },
  });
}

function install() {
  const why = existsSync(modules) ? "node_modules is out of date or was left half-finished" : "first run";
  console.error(`switchhook: installing the packages in package-lock.json (${why}) ...`);
  rmSync(stamp, { force: true });
  const quiet = ["--no-audit", "--no-fund", "--loglevel=error"];
  let result = npm("ci", ...quiet);
  if (!result.error && result.status !== 0) {
    // A registry mirror may lack packages for other platforms; `npm ci` then refuses a lock file that `npm install` takes.
    console.error("switchhook: npm ci did not work; trying npm install with the same lock file ...");
    result = npm("install", "--no-save", ...quiet);
  }
  if (result.error) fail(`npm could not be started (${result.error.message}). Install npm 9 or later.`);
  if (result.status !== 0)
    fail(
      "npm could not install the packages. The reason is above: usually no network, no space left, or a proxy npm does not know of. Mend it and run the same command again; if it stays, delete node_modules first.",
    );
  if (spawnSync(node, ["--version"], { shell: process.platform === "win32" }).status !== 0) {
    // An npm that refuses install scripts leaves the pinned Node without its binary.
    spawnSync(process.execPath, ["installArchSpecificPackage"], {
      cwd: join(modules, "node"),
      stdio: ["ignore", 2, "inherit"],
      env: { ...process.env, npm_config_global: "false" },
    });
  }
  if (spawnSync(node, ["--version"], { shell: process.platform === "win32" }).status !== 0) {
    fail(
      "the pinned Node (npm package `node`) did not install. Allow npm to run install scripts, delete node_modules and run the same command again.",
    );
  }
  writeFileSync(stamp, wanted());
}

/** Builds the console when it is missing or older than its sources. A server without it still does its work. */
function buildConsole() {
  const { status } = spawnSync(node, [join(root, "scripts", "console.mjs"), "--quiet"], {
    stdio: ["ignore", 2, "inherit"],
    shell: process.platform === "win32",
  });
  if (status !== 0)
    console.error(
      "switchhook: the console could not be built; the reason is above. The server starts without its pages.",
    );
}

if (!installed()) install();
const [file, ...args] = process.argv.slice(2);
if (/^src\/main|^emulators\/demo|vitest/m.test([file, ...args].join("\n"))) buildConsole();
const child = spawn(node, [file, ...args], {
  stdio: "inherit",
  shell: process.platform === "win32",
  env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ""}` },
});
// A terminal sends Ctrl-C to both of us, a supervisor only to this process. Either way the child decides when to end.
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
process.on("SIGINT", () => process.stdin.isTTY || child.kill("SIGINT"));
// npm's shell passes no signal on, and ends before us: the child then ends, too.
const parent = process.ppid;
const watch = setInterval(() => {
  if (process.env.npm_lifecycle_event === undefined || process.ppid === parent) return;
  clearInterval(watch);
  child.kill("SIGTERM");
}, 500).unref();
child.on("error", (error) => fail(`the pinned Node could not be started: ${error.message}`));
child.on("exit", (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
