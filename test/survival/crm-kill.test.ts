import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { allLogged, startTraffic } from "../support/call-traffic.ts";
import { type ChildServer, freePort, isUp, startChild } from "../support/child-server.ts";
import { type CrmWorld, type WorldName, worlds } from "../support/crm-worlds.ts";
import { type Random, seeded } from "../support/random.ts";
import { rounds } from "../support/rounds.ts";
import { waitFor } from "../support/server.ts";
import { callers } from "../support/traffic-calls.ts";

const kills = rounds({ whole: 8, short: 2 });
/** The contacts that the traffic speaks of, by the ids that it knows them by. */
const contacts = {
  "1": { name: "Asha", phone: "+919876543210" },
  "2": { name: "Piet", phone: "+31612345678", mobile: "+31501234567" },
  "3": { name: "Jane", phone: "+14155550123" },
};
/** An account without our property waits a minute before it looks for what was sent: that is tested on a clock of its own. */
const names: WorldName[] = ["HubSpot", "Salesforce", "Salesforce without our package"];

function folderWithConfig(world: CrmWorld): string {
  const folder = mkdtempSync(join(tmpdir(), "switchhook-crm-kill-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "data"));
  const acme = { crm: world.settings, providers: callers, region: "NL", settleSeconds: 1, reconcile: false };
  writeFileSync(join(folder, "switchhook.json"), JSON.stringify({ installations: { acme } }));
  return folder;
}

/** Meanwhile the CRM loses answers, breaks connections and has faults of its own. */
function trouble({ emulator }: CrmWorld, random: Random): void {
  const type = random.pick(["drop", "drop", "reset", "status"] as const);
  const after = random.below(6);
  if (type === "status") emulator.faults.add({ type, status: 503, text: "<h1>Sorry</h1>", after, times: 1 });
  else emulator.faults.add({ type, after, times: 1 });
}

async function liveAndDie(child: ChildServer, random: Random): Promise<void> {
  await waitFor("the server to answer", () => isUp(child), 30);
  await pause(300 + random.below(1_500));
  child.kill();
  expect(await child.ended, child.output()).toBe("SIGKILL");
}

test.each(names)(
  `%s: killed ${kills} times while the CRM is in trouble, each call is logged once`,
  {
    timeout: 600_000,
  },
  async (name) => {
    const world = await worlds[name](Date.now);
    onTestFinished(() => world.emulator.stop());
    const ids = new Map(Object.entries(contacts).map(([id, contact]) => [id, world.addContact(contact)]));
    const folder = folderWithConfig(world);
    const random = seeded(20_261_121);
    const port = await freePort();
    const traffic = startTraffic(() => `http://127.0.0.1:${port}`, seeded(11), 4);
    for (let i = 0; i < kills; i += 1) {
      trouble(world, random);
      const child = startChild(folder, port);
      onTestFinished(() => child.kill());
      await liveAndDie(child, random);
    }
    const last = startChild(folder, port);
    onTestFinished(() => last.kill());
    const stored = () => traffic.told.filter(({ endStored }) => endStored).length;
    await waitFor("enough calls", () => stored() > 6 * kills, 120);
    await traffic.finish();
    const store = openSqliteStore(join(folder, "data"));
    await allLogged(store);
    await store.close();
    const logged = Map.groupBy(world.calls(), ({ key }) => key);
    expect([...logged].filter(([, calls]) => calls.length > 1).map(([key]) => key)).toEqual([]);
    const acknowledged = traffic.told.filter(({ endStored }) => endStored);
    for (const { key, contactId, named } of acknowledged) {
      const [call] = logged.get(key) ?? [];
      expect(call?.key, `${key} is lost`).toBe(key);
      if (named) expect(call?.contactId, key).toBe(contactId && ids.get(contactId));
    }
  },
);
