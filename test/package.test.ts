import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "./support/child-server.ts";

const root = join(import.meta.dirname, "..");
const scratch = mkdtempSync(join(tmpdir(), "switchhook-package-"));
const { version, scripts, devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const run = promisify(execFile);
const minutes = 60_000;

/** The host's programs without this checkout's: npm sets the path to its own `.bin` folders. */
const hostPath = (process.env["PATH"] ?? "")
  .split(delimiter)
  .filter((path) => !path.includes("node_modules"));

/** The environment of a stranger: nothing that npm or this test run set. */
function environmentOf(project: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) =>
    /^(HOME|LANG|TMPDIR|.*_proxy|npm_config_(registry|cache)|NODE_EXTRA_CA_CERTS)$/i.test(name),
  );
  const path = [join(project, "node_modules", ".bin"), ...hostPath].join(delimiter);
  return { ...Object.fromEntries(kept), PATH: path };
}

let tarball = "";
beforeAll(async () => {
  // What `prepack` does, without going through npm: this checkout is installed already.
  await run("node", ["scripts/build.mjs"], { cwd: root });
  await run("npm", ["pack", "--ignore-scripts", "--pack-destination", scratch, "--loglevel=error"], {
    cwd: root,
  });
  tarball = join(scratch, readdirSync(scratch).find((name) => name.endsWith(".tgz")) ?? "");
}, 3 * minutes);

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test("is built before it is packed", () => {
  expect(scripts).toMatchObject({
    prepack: "npm run build",
    build: "node scripts/run.mjs scripts/build.mjs",
  });
});

/** A project that has the package; npm exchanges its Node for another one. */
const project = join(scratch, "project");

describe.each([
  ["the oldest Node that is promised", "22.18.0"],
  ["the pinned Node", devDependencies.node],
])("the package on %s", (_name, node) => {
  let server: ChildProcess | undefined;

  beforeAll(async () => {
    mkdirSync(project, { recursive: true });
    writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, version: "1.0.0" }));
    const options = ["--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"];
    await run("npm", ["install", ...options, tarball, `node@${node}`], {
      cwd: project,
      env: environmentOf(scratch),
    });
  }, 5 * minutes);

  afterAll(() => server?.kill("SIGKILL"));

  test("installs without a dev dependency", async () => {
    const { stdout } = await run("node", ["--version"], { cwd: project, env: environmentOf(project) });
    expect(stdout.trim()).toBe(`v${node}`);
    const installed = readdirSync(join(project, "node_modules"));
    expect(installed).not.toContain("typescript");
    expect(installed).not.toContain("vitest");
  });

  test("says its version", async () => {
    const options = { cwd: project, env: environmentOf(project) };
    const { stdout } = await run("npx", ["--no-install", "switchhook", "--version"], options);
    expect(stdout.trim()).toBe(version);
  });

  test("serves, and stops when told to", async () => {
    const port = await freePort();
    const env = { ...environmentOf(project), PORT: String(port), SWITCHHOOK_DATA: join(project, "data") };
    const child = spawn(join(project, "node_modules", ".bin", "switchhook"), ["serve"], {
      cwd: project,
      env,
    });
    server = child;
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text));
    const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
    const url = `http://127.0.0.1:${port}/healthz`;
    await expect.poll(() => statusOf(url), { timeout: 20_000, message: output }).toBe(200);
    child.kill("SIGTERM");
    expect(await ended, output).toBe(0);
  });
});

async function statusOf(url: string): Promise<number | undefined> {
  try {
    return (await fetch(url)).status;
  } catch {
    return undefined;
  }
}
