import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { connectors } from "../../connectors/index.ts";
import { loadConfig } from "../../src/config/index.ts";
import type { ConnectorKind } from "../../src/core/crm.ts";
import { CrmError } from "../../src/core/errors.ts";
import type { Provider } from "../../src/core/provider.ts";
import { decodeNew } from "../../src/flow/calls/decode.ts";
import { deliverDue } from "../../src/flow/calls/deliver.ts";
import type { Installation } from "../../src/flow/installation.ts";
import { providers } from "../../src/providers/index.ts";
import { assemble } from "../../src/server/assemble.ts";
import type { Store } from "../../src/store/contract.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { deliveriesOf, loadFixture } from "../contracts/provider.ts";
import { readCrm } from "../support/crm-files.ts";
import { failingStore } from "../support/failing-store.ts";
import { rounds } from "../support/rounds.ts";

/** Only every so many of the writes fail, one at a time. */
const stride = rounds({ whole: 1, short: 4 });
const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
/** A CRM that loses the answer to its n-th save: the data is in, and we are not told. */
function losingConnector(n: number): Record<string, ConnectorKind> {
  const local = connectors["local"] as ConnectorKind;
  let saves = 0;
  const connect: ConnectorKind["connect"] = (settings, context) => {
    const connector = local.connect(settings, context);
    return {
      ...connector,
      async saveCalls(records) {
        saves += 1;
        const results = await connector.saveCalls(records);
        if (saves === n)
          throw new CrmError("later", "the connection broke after the CRM had committed", { afterMs: 0 });
        return results;
      },
    };
  };
  return { local: { ...local, connect } };
}

async function runThrough(wrap: (store: Store) => Store, kinds?: Record<string, ConnectorKind>) {
  const folder = mkdtempSync(join(tmpdir(), "switchhook-faults-"));
  const crmFile = join(folder, "crm.json");
  mkdirSync(join(folder, "data"));
  writeFileSync(
    crmFile,
    JSON.stringify({
      contacts: [{ id: "1", name: "Anna", phones: ["+31501234567"] }],
      owners: [],
      activities: [],
    }),
  );
  const text = JSON.stringify({
    installations: {
      acme: {
        crm: { type: "local", file: "crm.json" },
        providers: { voys: { secret: "voys-secret" } },
        region: "NL",
        timeZone: "UTC",
        settleSeconds: 0,
        reconcile: false,
      },
    },
  });
  const config = loadConfig(
    { file: join(folder, "switchhook.json"), text },
    { SWITCHHOOK_DATA: join(folder, "data") },
    { providers, connectors },
    (path: string) => readFileSync(path, "utf8"),
  );
  const store = wrap(openSqliteStore(join(folder, "data")));
  const parts = assemble(config, { log: quiet, store, ...(kinds && { connectors: kinds }) });
  const installation = parts.installations.get("acme") as Installation;
  const sequences = ["warm-transfer.json", "no-answer.json", "simple-inbound.json"].map((name) => ({
    name,
    fixture: loadFixture("voys", name),
  }));
  for (const [i, { fixture }] of sequences.entries()) {
    for (const delivery of deliveriesOf("voys", fixture)) {
      const body = Buffer.from(
        Buffer.from(delivery.body)
          .toString()
          .replaceAll(/"24c562241e9f-\d+\.(\d+)"/g, `"call-${i}-$1"`),
      );
      await parts.flow.store.append({ ...delivery, body });
      await work(parts.flow, installation, parts.providers);
    }
  }
  for (let i = 0; i < 5; i++) await work(parts.flow, installation, parts.providers);
  await parts.stop();
  return readCrm(crmFile).activities;
}

/** One turn of the lanes; a fault ends the turn, as it ends a lane's run, and the next turn goes on. */
async function work(
  flow: Parameters<typeof decodeNew>[0],
  installation: Installation,
  all: Readonly<Record<string, Provider>>,
): Promise<void> {
  const patient = { ...flow, now: () => Date.now() + 3_600_000 };
  try {
    await decodeNew(patient, installation, all, 50);
    await deliverDue(patient, installation);
  } catch {
    // The lanes would log it and run again.
  }
}

describe("whatever fails, every call ends as exactly one activity", async () => {
  const expected = stripIds(await runThrough((store) => store));

  test("without a fault there are three activities, one of a transferred call", () => {
    expect(expected).toHaveLength(3);
    expect(expected.map(({ outcome }) => outcome)).toContain("completed");
  });

  test.each(["before", "after"] as const)(
    "a fault %s any write of the lane changes nothing",
    async (when) => {
      let n = 1 - stride;
      for (let struck = true; struck; ) {
        n += stride;
        const failing = failingStore(n, when);
        const activities = await runThrough(failing.wrap);
        expect(stripIds(activities), `fault ${when} write ${n}`).toEqual(expected);
        struck = failing.struck();
      }
      expect(n).toBeGreaterThan(15);
    },
  );

  test("an answer lost after the CRM committed changes nothing", async () => {
    for (let n = 1; n <= 4; n++) {
      const activities = await runThrough((store) => store, losingConnector(n));
      expect(stripIds(activities), `answer ${n} lost`).toEqual(expected);
    }
  });
});

test("a call that can never be saved is set aside, and its neighbours are logged", async () => {
  const said: string[] = [];
  const activities = await runThrough((store) => ({
    ...store,
    async saveDecoded(installation, deliveries, calls, line) {
      if (calls.some(({ call }) => call.callId.startsWith("call-1-"))) throw new Error("no such luck");
      said.push(...deliveries.flatMap(({ fault }) => fault ?? []));
      await store.saveDecoded(installation, deliveries, calls, line);
    },
  }));
  expect(activities).toHaveLength(2);
  expect(new Set(said)).toEqual(new Set(["“no such luck”"]));
});

function stripIds(activities: readonly Record<string, unknown>[]): Record<string, unknown>[] {
  return activities
    .map(({ id: _id, ...rest }) => rest)
    .sort((a, b) => (String(a["key"]) < String(b["key"]) ? -1 : 1));
}
