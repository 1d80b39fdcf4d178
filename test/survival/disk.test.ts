import { mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { callKey } from "../../src/core/call.ts";
import type { Provider } from "../../src/core/provider.ts";
import { retell } from "../../src/providers/retell/index.ts";
import { type ChildOptions, type ChildServer, freePort, isUp, startChild } from "../support/child-server.ts";
import { readCrm } from "../support/crm-files.ts";
import { limitFileSize, mountSmallDisk } from "../support/disks.ts";
import { startServer, waitFor } from "../support/server.ts";

const contacts = [{ id: "1", name: "Asha Rao", phones: ["+91 98765 43210"] }];
const settings = {
  region: "IN",
  settleSeconds: 0,
  reconcile: false,
  providers: {
    voys: { secret: "voys-secret" },
    retell: { apiKey: "retell-secret", defaultAgent: "agent_front" },
  },
};

/** A server whose disk is tried. `errors`: what it has logged as errors so far. */
type Tried = { url: string; crmFile: string; errors(): string[] };

async function startTried(options: ChildOptions = {}): Promise<Tried & { child: ChildServer; data: string }> {
  const folder = mkdtempSync(join(tmpdir(), "switchhook-disk-"));
  const data = options.data ?? join(folder, "data");
  const crmFile = join(folder, "crm.json");
  writeFileSync(crmFile, JSON.stringify({ contacts, owners: [], activities: [] }));
  const acme = { crm: { type: "local", file: "crm.json" }, ...settings };
  writeFileSync(join(folder, "switchhook.json"), JSON.stringify({ installations: { acme } }));
  const child = startChild(folder, await freePort(), options);
  onTestFinished(async () => {
    child.kill();
    await child.ended;
    rmSync(folder, { recursive: true });
  });
  await waitFor("the server to answer", () => isUp(child), 30);
  return { url: child.url, crmFile, data, child, errors: () => errorsIn(child.log()) };
}

function errorsIn(log: readonly { level: string; msg: string }[]): string[] {
  return log.filter(({ level }) => level === "error").map(({ msg }) => msg);
}

function sendEnded(url: string, callId: string, bytes = 0): Promise<Response> {
  const call = { call_id: callId, status: "ended", reason: "completed", direction: "inbound", version: "v2" };
  const people = { caller: { number: "+919876543210" }, destination: { number: "+31852018800" } };
  return fetch(`${url}/webhooks/acme/voys?key=voys-secret`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      ...call,
      ...people,
      timestamp: new Date().toISOString(),
      filler: "x".repeat(bytes),
    }),
  });
}

async function agentFor(url: string, callId: string): Promise<unknown> {
  const { settings: schema, simulate } = retell as Provider;
  const call_inbound = {
    call_id: callId,
    agent_id: "agent_1",
    from_number: "+919876543210",
    to_number: "+31852018800",
  };
  const body = Buffer.from(JSON.stringify({ event: "call_inbound", call_inbound }));
  const request = { afterSeconds: 0, method: "POST", query: "", headers: {}, body } as const;
  const proof = { now: Date.now(), url: "" };
  const { headers } = simulate.sign(request, schema.parse(settings.providers.retell), proof);
  const response = await fetch(`${url}/webhooks/acme/retell`, { method: "POST", headers, body });
  expect(response.status).toBe(200);
  return ((await response.json()) as { call_inbound: { override_agent_id?: string } }).call_inbound
    .override_agent_id;
}

/** Sends calls, at last the smallest, until the server refuses them all; returns those that it acknowledged. */
async function sendUntilFull(url: string): Promise<string[]> {
  const acknowledged: string[] = [];
  for (const bytes of [100_000, 0]) {
    let refused = 0;
    for (let i = 0; refused < 20; i++) {
      const id = `full-${bytes}-${i}`;
      const response = await sendEnded(url, id, bytes);
      if (response.ok) acknowledged.push(id);
      refused = response.ok ? 0 : refused + 1;
      if (i > 2_000) throw new Error("the disk never got full");
    }
  }
  return acknowledged;
}

async function expectOutage({ url, errors }: Tried): Promise<void> {
  for (let i = 0; i < 40; i++) {
    const response = await sendEnded(url, `refused-${i}`);
    expect(response.status).toBe(503);
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
  }
  for (let i = 0; i < 20; i++) expect(await agentFor(url, `question-${i}`)).toBe("agent_front");
  // There may be room for one page, and none for a webhook.
  const unready = async () => {
    const ready = await fetch(`${url}/readyz`);
    return ready.status === 503 && ready.text();
  };
  expect(await waitFor("/readyz to say so", unready, 2)).toMatch(
    /cannot be stored.*check the disk of the data folder/,
  );
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  // Lines are repeated after a minute, so a slow machine may see two.
  const about = errors().filter((line) => line.startsWith("webhooks cannot be stored"));
  expect(about.length).toBeGreaterThan(0);
  expect(about.length).toBeLessThan(3);
  expect(errors().length, errors().join("\n")).toBeLessThan(20);
}

/** All that was acknowledged, before and after, ends as exactly one activity. */
async function expectRecovery({ url, crmFile }: Tried, acknowledged: readonly string[]): Promise<void> {
  await waitFor("webhooks to be taken again", async () => (await sendEnded(url, "after")).ok);
  await waitFor("/readyz to say so", async () => (await fetch(`${url}/readyz`)).ok);
  expect(await agentFor(url, "question-after")).toBe("agent_front");
  const wanted = [...acknowledged, "after"].map((id) => callKey("acme", "voys", id)).sort();
  const keys = await waitFor(
    "all acknowledged calls to be logged",
    () => {
      const { activities } = readCrm<{ activities: { key: string }[] }>(crmFile);
      return activities.length >= wanted.length && activities.map(({ key }) => key).sort();
    },
    40,
  );
  expect(keys).toEqual(wanted);
}

test("a full disk: providers are told to send again, and nothing acknowledged is missing once there is space", async () => {
  const disk = mountSmallDisk(40);
  const tried = await startTried(disk && { data: disk.folder });
  expect((await sendEnded(tried.url, "before")).status).toBe(200);
  if (disk) disk.fill();
  else limitFileSize(tried.child.pid, statSync(join(tried.data, "switchhook.db-wal")).size);
  const acknowledged = ["before", ...(await sendUntilFull(tried.url))];
  await expectOutage(tried);
  if (disk) disk.free();
  else limitFileSize(tried.child.pid, "unlimited");
  await expectRecovery(tried, acknowledged);
}, 300_000);

test("a disk that fails every write: the same, and no restart is needed", async () => {
  const tried = await startTried();
  expect((await sendEnded(tried.url, "before")).status).toBe(200);
  limitFileSize(tried.child.pid, 1);
  await expectOutage(tried);
  limitFileSize(tried.child.pid, "unlimited");
  await expectRecovery(tried, ["before"]);
}, 300_000);

test("a data folder that cannot be written: the same, and no restart is needed", async () => {
  const disk = mountSmallDisk(40);
  const errors: string[] = [];
  const log = { error: (_: object, sentence: string) => errors.push(sentence) };
  const environment: Record<string, string> = disk ? { SWITCHHOOK_DATA: disk.folder } : {};
  const server = await startServer({ contacts, settings, log, environment });
  onTestFinished(() => server.stop());
  expect((await sendEnded(server.url, "before")).status).toBe(200);
  await waitFor("the first call", () => server.crm().activities.length === 1);
  const writable = disk?.writable ?? folderThere(join(server.folder, "data"));
  await server.restart(() => writable(false));
  const tried = { url: server.url, crmFile: server.crmFile, errors: () => errors };
  await expectOutage(tried);
  writable(true);
  await expectRecovery(tried, ["before"]);
}, 300_000);

/** Where mounting is not permitted: a file stands in the folder's place, as if its volume were missing. */
function folderThere(folder: string): (yes: boolean) => void {
  const away = `${folder}-away`;
  return (yes) => {
    if (yes) rmSync(folder);
    renameSync(yes ? away : folder, yes ? folder : away);
    if (!yes) writeFileSync(folder, "");
  };
}

test.each(["a small disk", "a limit on files"])(
  "%s with hardly any space is used for what it holds",
  async (kind) => {
    const data = kind === "a small disk" ? mountSmallDisk(6)?.folder : undefined;
    const tried = await startTried({ ...(data ? { data } : { fileBytes: 6_000_000 }) });
    for (let i = 0; i < 100; i++) expect((await sendEnded(tried.url, `little-${i}`)).status).toBe(200);
    expect(tried.errors()).toEqual([]);
  },
);
