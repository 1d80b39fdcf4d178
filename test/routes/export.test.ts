import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type InstallSite, installSite } from "../support/install-site.ts";
import { startServer, waitFor } from "../support/server.ts";

type Line = { type: string; [member: string]: unknown };

async function linesOf(response: Response): Promise<Line[]> {
  const text = await response.text();
  expect(text.endsWith("\n")).toBe(true);
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
}

describe("the export of an installation", () => {
  let site: InstallSite;
  let name: string;
  beforeEach(async () => {
    site = await installSite("hubspot");
    ({ name } = await site.install());
    await site.sendCall(name, "first");
    await waitFor("the call to be logged", async () => {
      const found = await site.server.parts.flow.store.call(`${name}:voys:first`);
      return found?.row.state === "logged";
    });
    await waitFor("the contact", async () => (await site.server.parts.flow.store.countContacts(name)) > 0);
  });
  afterEach(() => site.stop());

  const ask = () => site.get(`/api/installations/${name}/export`);
  const byType = (lines: readonly Line[], type: string) => lines.filter((line) => line.type === type);

  test("has everything that is kept of it, one object per line, and says where it ends", async () => {
    const response = await ask();
    expect(response.headers.get("content-type")).toBe("application/x-ndjson");
    expect(response.headers.get("content-disposition")).toBe(`attachment; filename="${name}.ndjson"`);
    expect(response.headers.get("cache-control")).toBe("no-store");
    const lines = await linesOf(response);
    expect(lines[0]).toMatchObject({
      ...{ type: "installation", name, crm: "hubspot", state: "active" },
      settings: { region: "NL", providers: ["exotel", "voys"] },
    });
    expect(lines.at(-1)).toEqual({ type: "end", lines: lines.length - 1 });
    expect(byType(lines, "contact")).toMatchObject([{ name: "Vera" }]);
    const [call] = byType(lines, "call");
    expect(call).toMatchObject({
      ...{ key: `${name}:voys:first`, state: "logged", activityId: expect.any(String) },
      contact: { chosen: { name: "Vera" }, lookup: expect.any(String) },
      history: [expect.objectContaining({ step: "created" })],
    });
    const deliveries = byType(lines, "delivery");
    expect(deliveries.length).toBeGreaterThan(2);
    for (const { url, headers, body } of deliveries) {
      expect(url).toBe(`/webhooks/${name}/voys`);
      expect(headers).toMatchObject({ "content-type": "application/json" });
      expect(JSON.parse(Buffer.from(String(body), "base64").toString())).toMatchObject({ call_id: "first" });
    }
  });

  test("has no secret and no token, and the mapping that was saved", async () => {
    const file = site.server.parts.erasing.savedMapping(name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, '{"crm":"hubspot","activity":{}}');
    const stored = (await site.server.parts.flow.store.installs())[0];
    const { providers } = (JSON.parse(stored?.body ?? "{}") as { settings: { providers: object } }).settings;
    const secrets = Object.values(providers).map(({ secret }: { secret: string }) => secret);
    const lines = await linesOf(await ask());
    for (const secret of [...secrets, ...(await site.tokens()), site.clientSecret, stored?.sealed ?? ""]) {
      expect(secret.length).toBeGreaterThan(10);
      expect(JSON.stringify(lines)).not.toContain(secret);
    }
    expect(lines[0]).toMatchObject({ mapping: { crm: "hubspot" } });
  });

  test("can be had of one that was removed, and not of one that is erased", async () => {
    const before = await linesOf(await ask());
    const path = `/api/installations/${name}`;
    const answer = await (await fetch(`${site.server.url}${path}`, { method: "DELETE" })).json();
    expect(answer).toEqual({
      ...{ disconnected: name, export: `${path}/export` },
      exportUntil: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    const after = await linesOf(await ask());
    expect(after[0]).toMatchObject({ state: "removed", leftAt: expect.any(String) });
    expect(after.slice(1)).toEqual(before.slice(1));
    await site.later(31 * 86_400_000);
    await site.server.parts.erasing.run();
    const gone = await ask();
    expect([gone.status, await gone.json()]).toEqual([
      404,
      { error: expect.stringContaining("GET /api/installations lists them") },
    ]);
  });

  test("is given to administrators only", async () => {
    const { url } = site.server;
    const stranger = await fetch(`${url}/api/installations/${name}/export`, {
      headers: { authorization: "Bearer a-wrong-token" },
    });
    expect(stranger.status).toBe(401);
    expect((await site.get(`/api/installations/${name}/export?all=1`)).status).toBe(400);
  });

  test("goes on for others when somebody leaves in the middle of it", async () => {
    const leaving = new AbortController();
    const { store } = site.server.parts.flow;
    const { exportPage } = store;
    let pages = 0;
    store.exportPage = async (...given) => {
      pages += 1;
      if (pages === 2) leaving.abort();
      return exportPage(...given);
    };
    const { url } = site.server;
    const left = fetch(`${url}/api/installations/${name}/export`, { signal: leaving.signal }).then((answer) =>
      answer.text(),
    );
    await expect(left).rejects.toThrow();
    expect((await linesOf(await ask())).at(-1)).toMatchObject({ type: "end" });
    expect(site.logged()).not.toContain("an export broke off");
  });

  test("that breaks off is not taken for a whole one", async () => {
    const { store } = site.server.parts.flow;
    const { exportPage } = store;
    store.exportPage = async (...given) => {
      const page = await exportPage(...given);
      if (page.items.some(({ type }) => type === "delivery")) throw new Error("the disk failed");
      return page;
    };
    await expect(ask().then((answer) => answer.text())).rejects.toThrow();
    expect(site.logged()).toContain("an export broke off");
  });
});

test("an installation of the config file can be exported, too, without its credentials", async () => {
  const server = await startServer();
  const response = await fetch(`${server.url}/api/installations/acme/export`);
  const text = await response.text();
  const [first] = text.split("\n").map((line) => JSON.parse(line || "{}") as Line);
  expect(first).toMatchObject({ type: "installation", name: "acme", settings: { region: "NL" } });
  expect(text).not.toMatch(/voys-secret|retell-secret|bird-secret|crm\.json/);
  expect((await fetch(`${server.url}/api/installations/nobody/export`)).status).toBe(404);
  await server.stop();
});
