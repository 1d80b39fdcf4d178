import { execFile } from "node:child_process";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { demoInstallation } from "../../src/demo.ts";
import { inboundCall, scriptOf, sendAll, settledActivities } from "../support/calls.ts";
import { startServer, type TestServer, waitFor } from "../support/server.ts";

let server: TestServer;
afterEach(() => server.stop());

const page = async (path = "/") => (await fetch(`${server.url}${path}`)).text();

describe("the home page", () => {
  test("shows what runs and the latest calls, and runs no scripts", async () => {
    server = await startServer();
    await sendAll(server, "voys", scriptOf(server, "voys", inboundCall("voys", { id: "one" })));
    await settledActivities(server);
    const response = await fetch(`${server.url}/`);
    const text = await response.text();
    for (const part of [
      "<h3>acme</h3>",
      "acme:voys:one",
      "+919876543210",
      "Asha Rao",
      "logged 1",
      "/api/openapi.json",
    ]) {
      expect(text).toContain(part);
    }
    expect(text).not.toMatch(/<script|<style|style=|-secret/);
    const policy = response.headers.get("content-security-policy") ?? "";
    expect(policy).toMatch(/style-src .self.(;|$)/);
    expect(policy).not.toContain("upgrade-insecure-requests");
    expect(await page("/style.css")).toContain("body {");
  });

  test("escapes whatever a caller or a CRM calls itself", async () => {
    const name = `<script>alert(1)</script>"'&`;
    server = await startServer({ contacts: [{ id: "1", name, phones: ["+919876543210"] }] });
    await sendAll(server, "voys", scriptOf(server, "voys", inboundCall("voys", { id: "<img src=x>" })));
    await settledActivities(server);
    const text = await page();
    expect(text).toContain("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;");
    expect(text).toContain("acme:voys:&lt;img src=x&gt;");
    expect(text).not.toMatch(/<script|<img/);
  });

  test("offers commands for the demo that make calls arrive when they are pasted", async () => {
    const { crm: _, ...demo } = demoInstallation;
    const file = (url: string) => ({
      publicUrl: url,
      installations: { demo: { ...demo, crm: { type: "local", file: "crm.json" } } },
    });
    server = await startServer({ file: file("http://127.0.0.1:9") });
    const commands = [...(await page()).matchAll(/<pre>(.*?)<\/pre>/gs)].map(([, text = ""]) =>
      text
        .replaceAll("&#39;", "'")
        .replaceAll("&quot;", '"')
        .replaceAll("&lt;", "<")
        .replaceAll("&amp;", "&"),
    );
    expect(commands).toHaveLength(4);
    for (const command of commands) {
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
    const text = await page();
    expect(text).toContain(`<h3>${name}</h3>`);
    expect(text).not.toContain("curl");
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
