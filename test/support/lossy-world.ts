import type { ProviderEmulator } from "@switchhook/emulators/provider";
import { madeUpCall } from "../../src/cli/simulated-calls.ts";
import type { SimulatedCall, SimulatedRequest } from "../../src/core/provider.ts";
import type { Reconciled } from "../../src/flow/lost-webhooks/reconcile.ts";
import { providers } from "../../src/providers/index.ts";
import { type Activity, type AskingWorld, agents, known, openWorld } from "./asking-world.ts";
import { seeded } from "./random.ts";

export type LossyOptions = {
  provider: string;
  start: (now: () => number) => Promise<ProviderEmulator>;
  calls: number;
  /** The share of all webhooks that never arrive. */
  loss: number;
  /** The server is away for this time (ms since the first call): nothing that is sent then arrives. */
  away?: { from: number; until: number };
};

/** What came of it. `asked`: what reconciliation found in all. */
export type LossyRun = { activities: Activity[]; asked: Reconciled; lost: number; sent: number };

const minute = 60_000;
const firstAt = Date.parse("2026-11-02T08:00:00.000Z");
/** Calls begin within this time. */
const spanMs = 8 * 60 * minute;
const customers = [...known, "+12025550199", "anonymous"];

/**
 * A day of a provider's calls on a clock of its own: some webhooks are lost, and every quarter of an hour the provider is
 * asked. The front door, the lanes' work and the CRM file are real; so is the HTTP to the provider's emulated API.
 */
export async function liveThrough(options: LossyOptions): Promise<LossyRun> {
  const { provider, calls, loss, away } = options;
  let at = firstAt;
  const now = () => at;
  const emulator = await options.start(now);
  const world = openWorld({ provider, own: emulator.settings, now });
  const random = seeded(1_000 + calls);
  const script = scriptOf(provider, calls, emulator);
  const asked: Reconciled = { compared: 0, missed: 0, mended: 0, closed: 0 };
  let lost = 0;
  try {
    await world.sync();
    const end = firstAt + spanMs + 4 * 60 * minute;
    for (let next = firstAt + 15 * minute; next <= end; next += 15 * minute) {
      const taken: Promise<void>[] = [];
      for (; script[0] && script[0].at <= next; script.shift()) {
        const { request, at: sentAt } = script[0];
        at = Math.max(at, sentAt);
        const isAway = away && at >= firstAt + away.from && at < firstAt + away.until;
        // Drawn for each webhook, so that every run loses the same ones.
        if (random.chance(loss) || isAway) lost += 1;
        else taken.push(world.take(request));
      }
      // They share commits, as they do when many come at once.
      await Promise.all(taken);
      at = next;
      if (away && at >= firstAt + away.from && at < firstAt + away.until) await world.stop();
      else await workAll(world, asked);
    }
    return { activities: world.activities(), asked, lost, sent: world.taken() + lost };
  } finally {
    await world.end();
    await emulator.stop();
  }
}

type Scheduled = { request: SimulatedRequest; at: number };

/** All webhooks in the order of their time. The API knows every call. */
function scriptOf(provider: string, calls: number, emulator: ProviderEmulator): Scheduled[] {
  const kind = providers[provider];
  if (!kind) throw new Error(`there is no provider ${provider}`);
  const random = seeded(7);
  const all = Array.from({ length: calls }, (_, i): Scheduled[] => {
    const startedAt = new Date(firstAt + random.below(spanMs / 1000) * 1000).toISOString();
    const made = madeUpCall({ seed: "lossy", provider, customers, agents }, i);
    const call: SimulatedCall = { ...made, startedAt };
    emulator.place(call);
    return kind.simulate
      .script(call)
      .map((request) => ({ request, at: Date.parse(startedAt) + request.afterSeconds * 1000 }));
  });
  return all.flat().sort((a, b) => a.at - b.at);
}

/** What the lanes do in a quarter of an hour. */
async function workAll(world: AskingWorld, so: Reconciled): Promise<void> {
  await world.workOff();
  const found = await world.ask();
  for (const name of ["compared", "missed", "mended", "closed"] as const) so[name] += found[name];
}
