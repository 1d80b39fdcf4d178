import { execFile } from "node:child_process";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { demoInstallation } from "../../src/demo.ts";
import type { Checklist } from "../../src/routes/checklist.ts";
import { inboundCall, scriptOf, sendAll, settledActivities } from "../support/calls.ts";
import { startServer, type TestServer, waitFor } from "../support/server.ts";

let server: TestServer;
afterEach(() => server.stop());

const page = async (path = "/") => (await fetch(`${server.url}${path}`)).text();

/** The commands that the checklist offers. */
async function commands(name: string): Promise<string[]> {
  const response = await fetch(`${server.url}/api/installations/${name}/checklist`);
  const { providers } = (await response.json()) as Checklist;
  return providers.flatMap(({ command }) => command ?? []);
}

describe("the page of the console", () => {
  test("is strict about what it loads, and needs nothing from elsewhere", async () => {
    server = await startServer();
    const response = await fetch(`${server.url}/`);
    const text = await response.text();
    const policy = response.headers.get("content-security-policy") ?? "";
    const nonce = /nonce="([^"]+)"/.exec(text)?.[1] ?? "none";
    expect(policy).toContain(`style-src 'self' 'nonce-${nonce}'`);
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toMatch(/unsafe|upgrade-insecure-requests/);
    expect(await page("/")).not.toContain(nonce);
    const files = [...text.matchAll(/(?:src|href)="(\.\/[^"]+)"/g)].map(([, file = ""]) => file);
    expect(files.length).toBeGreaterThan(1);
    for (const file of files) {
      const asset = await fetch(new URL(file, `${server.url}/`));
      expect([file, asset.status]).toEqual([file, 200]);
      expect(asset.headers.get("cache-control")).toContain("immutable");
    }
    expect((await fetch(`${server.url}/assets/..%2f.built-from`)).status).toBe(403);
    expect((await fetch(`${server.url}/assets/none.js`)).status).toBe(404);
    expect(await page("/style.css")).toContain("body {");
  });
});

describe("the demo", () => {
  test("offers commands that make calls arrive when they are pasted", async () => {
    const { crm: _, ...demo } = demoInstallation;
    const file = (url: string) => ({
      publicUrl: url,
      installations: { demo: { ...demo, crm: { type: "local", file: "crm.json" } } },
    });
    server = await startServer({ file: file("http://127.0.0.1:9") });
    const offered = await commands("demo");
    expect(offered).toHaveLength(4);
    for (const command of offered) {
      // Bird signs the public URL, so the command is made for that; here the server listens elsewhere.
      const here = command.replaceAll(
        "curl",
        `curl -s -w %{http_code} --connect-to ::${new URL(server.url).host}`,
      );
      const { stdout } = await promisify(execFile)("bash", ["-c", here], { timeout: 30_000 });
      expect(stdout).toBe('{"ok":true}200');
    }
    await waitFor("four activities", () => server.crm().activities.length === 4);
    expect(new Set(server.crm().activities.map(({ contactId }) => contactId))).toEqual(new Set(["1"]));
  });

  test.each([
    ["demo", { voys: { secret: "a-real-secret" } }],
    ["demo", { voys: { secret: "demo-key" }, exotel: { secret: "a-real-secret" } }],
    ["acme", { voys: { secret: "demo-key" } }],
  ])("offers none for %s with %j: only the demo's secrets are public", async (name, providers) => {
    const { crm: _, ...demo } = demoInstallation;
    const installation = { ...demo, crm: { type: "local", file: "crm.json" }, providers };
    server = await startServer({ file: { installations: { [name]: installation } } });
    expect(await commands(name)).toEqual([]);
  });
});

describe("health", () => {
  test("says that the process is up and that webhooks can be stored", async () => {
    server = await startServer();
    expect(await page("/healthz")).toBe('{"ok":true}');
    expect(await page("/readyz")).toBe('{"ok":true}');
  });

  test("says why webhooks cannot be stored, and that they can again", async () => {
    server = await startServer();
    const data = join(server.folder, "data");
    const closed = server.parts.flow.store.close();
    renameSync(data, `${data}-away`);
    writeFileSync(data, "a file where a folder should be");
    await closed;
    const broken = await fetch(`${server.url}/readyz`);
    expect([broken.status, await broken.json()]).toEqual([
      503,
      { ok: false, error: expect.stringMatching(/cannot be stored .*check the disk/) },
    ]);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    rmSync(data);
    renameSync(`${data}-away`, data);
    await expect.poll(async () => (await fetch(`${server.url}/readyz`)).status, { timeout: 5_000 }).toBe(200);
  });

  test("has figures in Prometheus' format", async () => {
    server = await startServer();
    await sendAll(server, "voys", scriptOf(server, "voys", inboundCall("voys")));
    await settledActivities(server);
    const text = await page("/metrics");
    expect(text).toMatch(/^switchhook_deliveries_total\{provider="voys"\} 4$/m);
    expect(text).toMatch(/^switchhook_calls\{installation="acme",state="logged"\} 1$/m);
  });
});
