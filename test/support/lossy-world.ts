import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectors } from "../../connectors/index.ts";
import { madeUpCall } from "../../src/cli/made-up-calls.ts";
import { loadConfig } from "../../src/config.ts";
import type { Delivery } from "../../src/core/contracts.ts";
import type { SimulatedCall, SimulatedRequest } from "../../src/core/simulation.ts";
import { decodeNew } from "../../src/flow/decode.ts";
import { deliverDue } from "../../src/flow/deliver.ts";
import type { Installation } from "../../src/flow/installation.ts";
import { receive } from "../../src/flow/receive.ts";
import { type Reconciled, reconcile } from "../../src/flow/reconcile.ts";
import { syncContacts } from "../../src/flow/sync.ts";
import { assemble, type Parts } from "../../src/parts.ts";
import { providers } from "../../src/providers/index.ts";
import type { ProviderEmulator } from "../emulators/provider.ts";
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

export type Activity = Record<string, unknown>;

/** What came of it. `asked`: what reconciliation found in all. */
export type LossyRun = { activities: Activity[]; asked: Reconciled; lost: number; sent: number };

const minute = 60_000;
const firstAt = Date.parse("2026-11-02T08:00:00.000Z");
/** Calls begin within this time. */
const spanMs = 8 * 60 * minute;
const publicUrl = "https://hooks.example.com";
const customers = [
  "+919876543210",
  "+12137771234",
  "+31612345678",
  "+31501234567",
  "+12025550199",
  "anonymous",
];
const agents = ["ravi", "noor"];
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/**
 * A day of a provider's calls on a clock of its own: some webhooks are lost, and every quarter of an hour the provider is
 * asked. The front door, the lanes' work and the CRM file are real; so is the HTTP to the provider's emulated API.
 */
export async function liveThrough(options: LossyOptions): Promise<LossyRun> {
  const { provider, calls, loss, away } = options;
  let at = firstAt;
  const now = () => at;
  const emulator = await options.start(now);
  const folder = mkdtempSync(join(tmpdir(), "switchhook-lossy-"));
  const world = openWorld(folder, provider, emulator.settings, now);
  const random = seeded(1_000 + calls);
  const script = scriptOf(provider, calls, emulator);
  const asked: Reconciled = { told: 0, missed: 0, mended: 0, closed: 0 };
  let lost = 0;
  try {
    await syncContacts(world.parts.flow, world.acme());
    const end = firstAt + spanMs + 4 * 60 * minute;
    for (let next = firstAt + 15 * minute; next <= end; next += 15 * minute) {
      while (script[0] && script[0].at <= next) {
        const request = script.shift();
        if (!request) break;
        at = Math.max(at, request.at);
        const isAway = away && at >= firstAt + away.from && at < firstAt + away.until;
        // Drawn for each webhook, so that every run loses the same ones.
        if (random.chance(loss) || isAway) lost += 1;
        else await world.take(request, at);
      }
      at = next;
      if (away && at >= firstAt + away.from && at < firstAt + away.until) await world.close();
      else await world.work(asked);
    }
    return { activities: world.activities(), asked, lost, sent: world.sent() + lost };
  } finally {
    await world.close();
    await emulator.stop();
    rmSync(folder, { recursive: true, force: true });
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

function openWorld(folder: string, provider: string, settings: object, now: () => number) {
  const crmFile = join(folder, "crm.json");
  mkdirSync(join(folder, "data"));
  const contacts = customers
    .slice(0, 4)
    .map((phone, i) => ({ id: `${i + 1}`, name: `Contact ${i + 1}`, phones: [phone] }));
  const owners = [
    { id: "11", name: "Ravi Iyer", email: "ravi@example.com" },
    { id: "12", name: "Noor Bakker", email: "noor@example.com" },
  ];
  writeFileSync(crmFile, JSON.stringify({ contacts, owners, activities: [] }));
  const acme = {
    ...{ crm: { type: "local", file: "crm.json" }, region: "NL", timeZone: "UTC", settleSeconds: 0 },
    providers: { [provider]: settings },
    agents: agents.map((id) => ({
      email: `${id}@example.com`,
      [provider]: provider === "retell" ? id : [id],
    })),
  };
  const config = loadConfig(
    { file: join(folder, "switchhook.json"), text: JSON.stringify({ publicUrl, installations: { acme } }) },
    { SWITCHHOOK_DATA: join(folder, "data") },
    { providers, connectors },
    (path) => readFileSync(path, "utf8"),
  );
  let parts: Parts | undefined = assemble(config, { log: quiet, now });
  let sent = 0;
  const open = (): Parts => {
    parts ??= assemble(config, { log: quiet, now });
    return parts;
  };
  const installation = () => open().installations.get("acme") as Installation;

  const workOff = async (): Promise<void> => {
    while ((await decodeNew(open().flow, installation(), providers, 200)) > 0);
    while ((await deliverDue(open().flow, installation())) > 0);
  };

  return {
    get parts() {
      return open();
    },
    acme: installation,
    sent: () => sent,
    /** A webhook at the front door, with its proof. */
    async take({ request }: Scheduled, at: number): Promise<void> {
      sent += 1;
      const { provider: kind, settings: own } = configured(installation(), provider);
      const url = `${publicUrl}/webhooks/acme/${provider}`;
      const { query, method, headers, body } = kind.simulate.sign(request, own, { now: at, url });
      const secretInUrl = new URLSearchParams(query).get("key");
      const receivedAt = new Date(at).toISOString();
      const delivery: Delivery = {
        installation: "acme",
        provider,
        receivedAt,
        method,
        url: "/",
        headers,
        body,
      };
      const proof = {
        now: at,
        publicUrl: query ? `${url}?${query}` : url,
        ...(secretInUrl && { secretInUrl }),
      };
      await receive(open().flow, installation(), delivery, proof);
    },
    /** What the lanes do in a quarter of an hour. */
    async work(so: Reconciled): Promise<void> {
      await workOff();
      const told = await reconcile(open().flow, installation(), configured(installation(), provider));
      for (const name of ["told", "missed", "mended", "closed"] as const) so[name] += told[name];
      await workOff();
    },
    activities: () => (JSON.parse(readFileSync(crmFile, "utf8")) as { activities: Activity[] }).activities,
    async close(): Promise<void> {
      await parts?.stop();
      parts = undefined;
    },
  };
}

function configured({ providers: all }: Installation, provider: string) {
  const found = all[provider];
  if (!found) throw new Error(`acme has no ${provider}`);
  return found;
}
