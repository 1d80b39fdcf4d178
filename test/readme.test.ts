import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ConnectorKind } from "../src/core/crm.ts";
import type { Provider } from "../src/core/provider.ts";
import { deliveriesOf } from "./contracts/provider.ts";
import { freePort } from "./support/child-server.ts";
import { readCrm } from "./support/crm-files.ts";
import { waitFor } from "./support/server.ts";

const root = join(import.meta.dirname, "..");
const readme = readFileSync(join(root, "README.md"), "utf8");
const blocks = [...readme.matchAll(/```(\w+)\n(.*?)```/gs)].map(([, language = "", text = ""]) => ({
  language,
  text,
}));

test("the first command stands before line 30", () => {
  expect(readme.slice(0, readme.indexOf("npm start")).split("\n").length).toBeLessThan(30);
});

describe("the commands of the README", async () => {
  const folder = mkdtempSync(join(tmpdir(), "switchhook-readme-"));
  const port = await freePort();
  const server = spawn(process.execPath, ["src/main.ts"], {
    cwd: root,
    env: {
      ...process.env,
      PORT: String(port),
      SWITCHHOOK_DATA: folder,
      SWITCHHOOK_CONFIG: "",
      LOG_LEVEL: "silent",
    },
    stdio: "ignore",
  });
  const curls = blocks
    .filter(({ text }) => text.includes("curl "))
    .map(({ text }) => text.replaceAll("8484", String(port)));

  beforeAll(() =>
    waitFor(
      "the demo to be up",
      () =>
        fetch(`http://127.0.0.1:${port}/readyz`).then(
          ({ ok }) => ok,
          () => false,
        ),
      30,
    ),
  );
  afterAll(() => {
    server.kill();
  });

  test("each curl is taken, and every call arrives on its contact", async () => {
    expect(curls).toHaveLength(5);
    const answers: string[] = [];
    for (const curl of curls) answers.push(await bash(curl));
    expect(answers.filter((answer) => answer === '{"ok":true}')).toHaveLength(4);
    expect(answers.find((answer) => answer.includes("override_agent_id"))).toContain('"agent_ben"');
    const crm = () =>
      readCrm<{
        activities: { key: string; contactId?: string }[];
      }>(join(folder, "demo-crm.json"));
    await waitFor("four activities", async () => crm().activities.length === 4, 20);
    const contacts = Object.fromEntries(
      crm().activities.map(({ key, contactId }) => [key.split(":")[2], contactId]),
    );
    expect(contacts).toEqual({ "first-call": "1", "missed-call": "1", "voys-call": "4", "bird-call": "4" });
  });
});

describe("the examples for developers", () => {
  const [provider = "", connector = ""] = blocks
    .filter(({ language }) => language === "ts")
    .map(({ text }) => text);

  test("the provider of the README decodes a call", async () => {
    const { acme } = (await imported("src/providers/acme/index.ts", provider)) as { acme: Provider };
    const body = { type: "ended", id: "c1", from: "+31612345678", time: "2026-01-02T03:04:05Z" };
    const [delivery] = deliveriesOf("acme", { source: "", requests: [{ body }], events: [] });
    if (!delivery) throw new Error("one delivery was expected");
    expect(acme.decode(delivery)).toMatchObject([
      { callId: "c1", phase: "ended", facts: { customer: { number: "+31612345678" } } },
    ]);
    expect(acme.read(delivery)).toEqual({ kind: "ended" });
    const proof = { now: 0, publicUrl: "" };
    expect(() =>
      acme.verify(delivery, { secret: ["right-secret"] }, { ...proof, secretInUrl: "right-secret" }),
    ).not.toThrow();
    expect(() => acme.verify(delivery, { secret: ["right-secret"] }, proof)).toThrow(
      expect.objectContaining({ status: 401 }),
    );
  });

  test("the CRM of the README saves a call", async () => {
    const { acmecrm } = (await imported("connectors/acmecrm/index.ts", connector)) as {
      acmecrm: ConnectorKind;
    };
    const context = {
      installation: "acme",
      region: "NL",
      contactFields: () => [],
      now: Date.now,
      warn: () => {},
    };
    const crm = acmecrm.connect({ type: "acmecrm", token: "t" }, context);
    const record = { key: "k", fields: { a: 1 }, modes: {}, ours: {} };
    expect(await crm.saveCalls([record])).toMatchObject([{ key: "k", created: true, wrote: { a: 1 } }]);
  });
});

/** Runs an example as if it stood at `place`: its relative imports start there. */
async function imported(place: string, source: string): Promise<unknown> {
  // In node_modules, so that the packages which the example imports are found.
  const folder = mkdtempSync(join(root, "node_modules", ".readme-"));
  const file = join(folder, "index.mts");
  const absolute = source.replace(
    /from "(\.[^"]+)"/g,
    (_, path: string) => `from "${new URL(path, pathToFileURL(join(root, place))).pathname}"`,
  );
  writeFileSync(file, absolute);
  try {
    return await import(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function bash(script: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn("bash", ["-c", script.replaceAll("curl ", "curl -s ")], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    child.on("error", reject);
    child.on("close", () => resolve(output));
  });
}
