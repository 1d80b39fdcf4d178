import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectors } from "../../connectors/index.ts";
import { loadConfig } from "../../src/config/index.ts";
import type { ConnectorKind } from "../../src/core/crm.ts";
import type { DeliveryHead, SimulatedCall, SimulatedRequest } from "../../src/core/provider.ts";
import type { Log } from "../../src/core/runtime.ts";
import { decodeNew, settleLine } from "../../src/flow/calls/decode.ts";
import { deliverDue } from "../../src/flow/calls/deliver.ts";
import { syncContacts } from "../../src/flow/contacts/sync.ts";
import type { Installation } from "../../src/flow/installation.ts";
import { type Reconciled, type ReconcileOptions, reconcile } from "../../src/flow/lost-webhooks/reconcile.ts";
import { followRecordings } from "../../src/flow/recordings/follow.ts";
import { admit, receive } from "../../src/flow/webhooks/receive.ts";
import { providers } from "../../src/providers/index.ts";
import { assemble, type Parts } from "../../src/server/assemble.ts";
import { readCrm } from "./crm-files.ts";

export type Activity = Record<string, unknown>;

/** `provider` with its own settings; `settings`: more of the installation `acme`; `file`: more of the config file. */
export type AskingOptions = {
  provider: string;
  own: object;
  now: () => number;
  settings?: object;
  file?: object;
  log?: Partial<Log>;
  connectors?: Readonly<Record<string, ConnectorKind>>;
};

const publicUrl = "https://hooks.example.com";
export const known = ["+919876543210", "+12137771234", "+31612345678", "+31501234567"];
export const agents = ["ravi", "noor"];

export type AskingWorld = ReturnType<typeof openWorld>;

/**
 * An installation `acme` with one provider and a CRM file, on a clock of the test's own. Its lanes work only when they are
 * told to; the front door, the store and what is asked of the provider are real.
 */
export function openWorld({ provider, own, now, settings, file, log, connectors: kinds }: AskingOptions) {
  const folder = mkdtempSync(join(tmpdir(), "switchhook-asking-"));
  const crmFile = join(folder, "crm.json");
  mkdirSync(join(folder, "data"));
  const contacts = known.map((phone, i) => ({ id: `${i + 1}`, name: `Contact ${i + 1}`, phones: [phone] }));
  const owners = [
    { id: "11", name: "Ravi Iyer", email: "ravi@example.com" },
    { id: "12", name: "Noor Bakker", email: "noor@example.com" },
  ];
  writeFileSync(crmFile, JSON.stringify({ contacts, owners, activities: [] }));
  const acme = {
    ...{ crm: { type: "local", file: "crm.json" }, region: "NL", timeZone: "UTC", settleSeconds: 0 },
    providers: { [provider]: own },
    agents: agents.map((id) => ({
      email: `${id}@example.com`,
      [provider]: provider === "retell" ? id : [id],
    })),
    ...settings,
  };
  const config = loadConfig(
    {
      file: join(folder, "switchhook.json"),
      text: JSON.stringify({ publicUrl, installations: { acme }, ...file }),
    },
    { SWITCHHOOK_DATA: join(folder, "data"), SWITCHHOOK_ADMIN_TOKEN: "the-token-of-the-tests" },
    { providers, connectors },
    (path) => readFileSync(path, "utf8"),
  );
  const logs: Log = { debug() {}, info() {}, warn() {}, error() {}, ...log };
  const start = (): Parts => assemble(config, { log: logs, now, ...(kinds && { connectors: kinds }) });
  let parts: Parts | undefined = start();
  let taken = 0;
  const open = (): Parts => {
    parts ??= start();
    return parts;
  };
  const acmeNow = () => open().installations.get("acme") as Installation;
  const configured = () => {
    const found = acmeNow().providers[provider];
    if (!found) throw new Error(`acme has no ${provider}`);
    return found;
  };

  const workOff = async (): Promise<void> => {
    while ((await decodeNew(open().flow, acmeNow(), providers, 200)).taken > 0);
    while (await settleLine(open().flow, acmeNow()));
    while ((await deliverDue(open().flow, acmeNow())) > 0);
  };

  const take = async (request: SimulatedRequest): Promise<void> => {
    taken += 1;
    const { provider: kind, settings: its } = configured();
    const url = `${publicUrl}/webhooks/acme/${provider}`;
    const { query, method, headers, body } = kind.simulate.sign(request, its, { now: now(), url });
    const secretInUrl = new URLSearchParams(query).get("key");
    const receivedAt = new Date(now()).toISOString();
    const head: DeliveryHead = { installation: "acme", provider, receivedAt, method, url: "/", headers };
    const whole = query ? `${url}?${query}` : url;
    const proof = { now: now(), publicUrl: whole, ...(secretInUrl && { secretInUrl }) };
    await receive(open().flow, acmeNow(), admit(acmeNow(), head, proof), body);
  };

  return {
    folder,
    get parts() {
      return open();
    },
    get flow() {
      return open().flow;
    },
    acme: acmeNow,
    configured,
    script: (call: SimulatedCall) => configured().provider.simulate.script(call),
    /** How many webhooks came in. */
    taken: () => taken,
    sync: () => syncContacts(open().flow, acmeNow()),
    /** A webhook at the front door, with its proof. */
    take,
    async takeAll(requests: readonly SimulatedRequest[]): Promise<void> {
      for (const request of requests) await take(request);
    },
    /** Decodes and logs all that is there. */
    workOff,
    /** Asks the provider, and logs what it tells. */
    async ask(options?: ReconcileOptions): Promise<Reconciled> {
      const told = await reconcile(open().flow, acmeNow(), configured(), options);
      await workOff();
      return told;
    },
    follow: () => followRecordings({ flow: open().flow, installation: acmeNow(), archive: open().archive }),
    activities: () => readCrm<{ activities: Activity[] }>(crmFile).activities,
    /** As when the process ends: it starts again with whatever is asked of it next. */
    async stop(): Promise<void> {
      await parts?.stop();
      parts = undefined;
    },
    async end(): Promise<void> {
      await parts?.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
