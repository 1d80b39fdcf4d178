import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import { createBudget } from "../../src/lib/budget.ts";
import { inboundCall, scriptOf, sendAll, settledActivities } from "../support/calls.ts";
import { startServer, waitFor } from "../support/server.ts";

const weekMs = 7 * 86_400_000;

test("calls that a clock a week ahead has put off are logged now, and it is said", async () => {
  let aheadMs = weekMs;
  const warnings: object[] = [];
  const server = await startServer({
    settings: { settleSeconds: 60 },
    now: () => Date.now() + aheadMs,
    log: { warn: (facts, sentence) => warnings.push({ ...facts, sentence }) },
  });
  onTestFinished(() => server.stop());
  await sendAll(server, "voys", scriptOf(server, "voys", inboundCall("voys")));
  const { store } = server.parts.flow;
  await waitFor("the call to wait", () => store.nextDue("acme"));
  await server.restart(() => {
    aheadMs = 0;
  });
  await settledActivities(server, 1);
  expect(warnings).toContainEqual(
    expect.objectContaining({ what: "calls.due_at", count: 1, sentence: expect.stringMatching(/clock/) }),
  );
});

test("every time that is waited for is pulled back, and no time that is meant to be far", async () => {
  const server = await startServer();
  onTestFinished(() => server.stop());
  await sendAll(server, "voys", scriptOf(server, "voys", inboundCall("voys")));
  await settledActivities(server, 1);
  const db = new DatabaseSync(join(server.folder, "data", "switchhook.db"));
  onTestFinished(() => db.close());
  const now = Date.now();
  const [far, year] = [now + weekMs, now + 365 * 86_400_000];
  db.exec(`
    INSERT INTO asks VALUES (91, 'acme', 'bird', ${far}, ${far}, 0);
    INSERT INTO recordings (call, installation, state, since, due_at) VALUES
      (91, 'other', 'wanted', ${far}, ${far}), (92, 'other', 'kept', ${now}, ${year});
    INSERT INTO follow_ups (call, installation, state, since, fields, close_at)
      VALUES (91, 'other', 'open', ${now}, '{}', ${far}), (92, 'other', 'open', ${now}, '{}', ${now + 86_400_000});
    INSERT INTO installs (name, crm, account, state, body, version, updated_at, claimed_until, left_at)
      VALUES ('i', 'hubspot', '1', 'removed', '{}', 1, ${now}, ${far}, ${far});
  `);
  const pulled = await server.parts.flow.store.pullBack(now);
  expect(pulled.map(({ what, count }) => `${what} ${count}`).sort()).toEqual([
    "asks.due_at 1",
    "asks.since 1",
    "follow_ups.close_at 1",
    "installs.claimed_until 1",
    "installs.left_at 1",
    "recordings.due_at 1",
    "recordings.since 1",
  ]);
  expect(pulled.every(({ furthest }) => furthest === far)).toBe(true);
  expect(await server.parts.flow.store.pullBack(now)).toEqual([]);
  expect(db.prepare("SELECT due_at FROM recordings WHERE call = 92").get()).toEqual({ due_at: year });
});

test("a pause that a CRM asked for ends when the clock is set back", async () => {
  let now = weekMs;
  const budget = createBudget({ name: "crm", limit: 10, perMs: 1_000, atOnce: 2, now: () => now });
  budget.pause(now + 60_000, "the CRM is busy");
  await expect(budget.spend("deliver")).rejects.toThrow(/busy/);
  now = 0;
  (await budget.spend("deliver"))();
});
