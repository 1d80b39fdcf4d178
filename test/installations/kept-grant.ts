import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startHubspot } from "@switchhook/emulators/hubspot";
import { startSalesforce } from "@switchhook/emulators/salesforce";
import { onTestFinished } from "vitest";
import { oauth as hubspotOAuth } from "../../connectors/hubspot/oauth.ts";
import { oauth as salesforceOAuth } from "../../connectors/salesforce/oauth.ts";
import type { Grant, OAuth } from "../../src/core/crm-app.ts";
import { keepGrant } from "../../src/installations/grants.ts";
import { createSealer } from "../../src/lib/seal.ts";
import type { Store, StoredInstall } from "../../src/store/contract.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { createClock } from "../support/crm-turns.ts";

const client = { clientId: "our-app", clientSecret: "our-app-secret-of-the-test" };
const sealer = createSealer(["a sealing key that is long enough to be one"]);

export type RotatingCrm = "hubspot" | "salesforce";

/** An installed account at a CRM whose refresh tokens are good once, and processes that keep its grant. */
export async function rotatingAccount(crm: RotatingCrm) {
  const clock = createClock();
  const folder = mkdtempSync(join(tmpdir(), "switchhook-grants-"));
  const { emulator, app, oauth, grant, expire, revoke, consent } = await sides[crm](clock.now);
  const stores: Store[] = [];
  const openStore = (): Store => {
    const store = openSqliteStore(folder, clock.now);
    stores.push(store);
    return store;
  };
  onTestFinished(async () => {
    for (const store of stores) await store.close();
    await emulator.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const store = openStore();
  const first: StoredInstall = {
    ...{ name: "one", crm, account: "1", state: "active", version: 1, updatedAt: clock.now() },
    body: JSON.stringify({ settings: { region: "NL" } }),
    sealed: sealer.seal(JSON.stringify(grant), "one"),
  };
  await store.saveInstall(first);
  const lost: string[] = [];

  return {
    clock,
    store,
    expire,
    revoke,
    consent,
    lost,
    faults: emulator.faults,
    refreshes: () => emulator.requests.filter(({ kind }) => kind === "token").length,
    stored: async () => (await store.installs())[0] as StoredInstall,
    async storedGrant(): Promise<Grant> {
      const [install] = await store.installs();
      return JSON.parse(sealer.open(install?.sealed ?? "", "one")) as Grant;
    },
    /** A process that starts now, with a connection of its own to the same data. `wrap`: its disk. */
    async start(wrap: (store: Store) => Store = (it) => it) {
      const own = wrap(openStore());
      const [install] = await own.installs();
      const context = { now: clock.now };
      const parts = { store: own, sealer, oauth, app, context, lost: (reason: string) => lost.push(reason) };
      return keepGrant(install as StoredInstall, parts);
    },
  };
}

/** A disk that fails at the next saving of a grant, once. */
export function failingOnce(when: "before" | "after") {
  let isDue = true;
  return (store: Store): Store => ({
    ...store,
    async saveInstall(install, claim) {
      const strikes = isDue;
      isDue = false;
      if (strikes && when === "before") throw new Error("the disk failed before the write");
      const done = await store.saveInstall(install, claim);
      if (strikes) throw new Error("the disk failed after the write");
      return done;
    },
  });
}

const sides = {
  async hubspot(now: () => number) {
    const urls = { requiredScopes: ["oauth"], optionalScopes: [], redirectUris: [] };
    const emulator = await startHubspot({
      now,
      limits: false,
      rotateRefreshTokens: true,
      app: { ...client, appId: 7, ...urls },
    });
    const consent = async (): Promise<Grant> => {
      const { accessToken, refreshToken = "" } = emulator.people.install();
      return { accessToken, refreshToken, expiresAt: now() + 1_800_000, scopes: [] };
    };
    return {
      emulator,
      app: hubspotOAuth.app.parse({ ...client, apiUrl: emulator.url }),
      oauth: hubspotOAuth as OAuth,
      grant: await consent(),
      consent,
      expire: () => emulator.expireToken(),
      revoke: () => emulator.people.revoke(),
    };
  },
  async salesforce(now: () => number) {
    const emulator = await startSalesforce({ now, ...client });
    const app = salesforceOAuth.app.parse({ ...client, loginUrl: emulator.url });
    const consent = (): Promise<Grant> => {
      const approved = { accessToken: "none", refreshToken: emulator.approve(), scopes: [] };
      return salesforceOAuth.refresh(app, approved, { now });
    };
    const grant = await consent();
    emulator.requests.length = 0;
    const body = { error: "invalid_grant", error_description: "expired access/refresh token" };
    return {
      emulator,
      app,
      oauth: salesforceOAuth as OAuth,
      grant,
      consent,
      expire: () => emulator.expireTokens(),
      revoke: () => void emulator.faults.add({ type: "status", status: 400, body, match: "token", times: 1 }),
    };
  },
};
