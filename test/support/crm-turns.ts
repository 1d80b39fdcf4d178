import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectors } from "../../connectors/index.ts";
import { loadConfig } from "../../src/config/index.ts";
import { decodeNew } from "../../src/flow/calls/decode.ts";
import { deliverDue } from "../../src/flow/calls/deliver.ts";
import { syncContacts } from "../../src/flow/contacts/sync.ts";
import type { Installation } from "../../src/flow/installation.ts";
import { providers } from "../../src/providers/index.ts";
import { assemble, type Parts } from "../../src/server/assemble.ts";
import type { Store } from "../../src/store/contract.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import { deliveriesOf, loadFixture } from "../contracts/provider.ts";
import type { CrmWorld } from "./crm-worlds.ts";

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
/** Our clock moves so much with every turn: whatever waits for its time gets it soon. */
const turnMs = 400_000;

/** A clock that goes on by itself, and can be moved. */
export type Clock = { now: () => number; move(ms: number): void };

export function createClock(): Clock {
  let later = 0;
  return {
    now: () => Date.now() + later,
    move(ms) {
      later += ms;
    },
  };
}

export type TurnOptions = {
  wrap?: (store: Store) => Store;
  settings?: object;
  /** Starts again on the same data after a turn that failed, as after a crash. */
  restarts?: boolean;
};

/**
 * Switchhook with an emulated CRM, whose background work runs only when it is told to, on a clock of its own. A fault
 * ends a turn, as it ends a lane's run.
 */
export function openTurns(
  world: CrmWorld,
  clock: Clock,
  { wrap = (store) => store, settings, restarts }: TurnOptions = {},
) {
  const folder = mkdtempSync(join(tmpdir(), "switchhook-turns-"));
  mkdirSync(join(folder, "data"));
  const text = JSON.stringify({
    installations: {
      acme: {
        crm: world.settings,
        providers: { voys: { secret: "voys-secret" } },
        region: "NL",
        timeZone: "UTC",
        settleSeconds: 0,
        ...settings,
      },
    },
  });
  const config = loadConfig(
    { file: join(folder, "switchhook.json"), text },
    { SWITCHHOOK_DATA: join(folder, "data") },
    { providers, connectors },
    (path) => readFileSync(path, "utf8"),
  );
  const { now } = clock;
  const open = (): Parts =>
    assemble(config, { log: quiet, now, store: wrap(openSqliteStore(join(folder, "data"), now)) });
  let parts = open();
  const acme = () => parts.installations.get("acme") as Installation;

  const turn = async (work: () => Promise<unknown>): Promise<void> => {
    clock.move(turnMs);
    try {
      await work();
    } catch {
      if (!restarts) return;
      await parts.stop();
      parts = open();
    }
  };

  return {
    get flow() {
      return parts.flow;
    },
    acme,
    sync: () => turn(() => syncContacts(parts.flow, acme())),
    work: () =>
      turn(async () => {
        await decodeNew(parts.flow, acme(), providers, 50);
        await deliverDue(parts.flow, acme());
      }),
    /** The deliveries of the calls of these Voys fixtures; the n-th fixture's calls are named `call-n-...`. */
    deliveries(fixtures: readonly string[]) {
      return fixtures.flatMap((name, i) =>
        deliveriesOf("voys", loadFixture("voys", name)).map((delivery) => ({
          ...delivery,
          body: Buffer.from(
            Buffer.from(delivery.body)
              .toString()
              .replaceAll(/"24c562241e9f-\d+\.(\d+)"/g, `"call-${i}-$1"`),
          ),
        })),
      );
    },
    async close() {
      await parts.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export type Turns = ReturnType<typeof openTurns>;
