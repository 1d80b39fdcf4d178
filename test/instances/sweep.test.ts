import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Flow, Installation } from "../../src/flow/installation.ts";
import { watchInstallations } from "../../src/server/sweep.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] }));
afterEach(() => void vi.useRealTimers());

test("an installation at rest is polled for lost webhooks by whichever instance takes it", async () => {
  const settings = { name: "acme", region: "NL", crm: {}, reconcile: true };
  const provider = { id: "exotel", polling: { lacks: () => undefined } };
  const providers = { exotel: { provider, settings: {} } };
  const installation = { settings, providers } as unknown as Installation;
  const store = {
    waitingWork: async () => [],
    quietCalls: async () => [],
    lastUses: async () => [{ installation: "acme", syncedAt: Date.now(), numbering: "" }],
  };
  const flow = { store, now: Date.now, limitedLog: { seldom() {} } } as unknown as Flow;
  const woken: string[] = [];
  const sweep = watchInstallations({
    flow,
    installations: new Map([["acme", installation]]),
    resting: () => [
      { installation, isOfFile: true, called() {}, isActive: () => false, sync: async () => {} },
    ],
    isOpen: () => false,
    wake: (name, lane) => void woken.push(`${name}/${lane}`),
    isShared: true,
  });
  sweep.start();
  await vi.advanceTimersByTimeAsync(16 * 60_000);
  expect(woken).toEqual(["acme/reconcile", "acme/reconcile"]);
  const stopped = sweep.stop();
  await vi.advanceTimersByTimeAsync(1_000);
  await stopped;
});
