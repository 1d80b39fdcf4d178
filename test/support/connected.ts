import { onTestFinished } from "vitest";
import type { InstallBody } from "../../src/installations/installer.ts";
import { createSealer } from "../../src/lib/seal.ts";
import { crmIn, readManifest } from "../../src/manifest.ts";
import type { Store } from "../../src/store/contract.ts";
import { hubspotWorld } from "./crm-worlds.ts";

export const publicUrl = "https://hooks.example.com";
const key = "a sealing key that is long enough to be one";
export const adminToken = "the-admin-token-of-the-instances";
export const environment = { SWITCHHOOK_KEY: key, SWITCHHOOK_ADMIN_TOKEN: adminToken };
export const client = { clientId: "our-app", clientSecret: "our-app-secret-of-the-test" };

/** HubSpot with our app, which its administrators install; its refresh tokens are good once. */
export async function portalWithApp() {
  const { oauth } = crmIn(readManifest(), "hubspot");
  const { scopes = [], optionalScopes = [] } = oauth ?? {};
  const redirectUris = [`${publicUrl}/install/hubspot/callback`];
  const app = { ...client, appId: 7, redirectUris, requiredScopes: scopes, optionalScopes };
  const world = await hubspotWorld({ app, rotateRefreshTokens: true });
  onTestFinished(() => world.emulator.stop());
  const { url } = world.emulator;
  const grant = () => {
    const { accessToken, refreshToken = "" } = world.portal.people.install();
    return { accessToken, refreshToken, scopes: [] };
  };
  return { ...world, grant, app: { ...client, apiUrl: url, authorizeUrl: `${url}/oauth/authorize` } };
}

type Connected = {
  name: string;
  crm: string;
  account: string;
  grant: object;
  providers: Record<string, unknown>;
};

/** Stores an account that was connected by OAuth. */
export async function saveConnected(store: Store, connected: Connected): Promise<void> {
  const { name, crm, account, grant, providers } = connected;
  const settings = { region: "NL", settleSeconds: 1, providers };
  const body: InstallBody = { account: { id: account, name }, scopes: [], changes: [], settings };
  await store.saveInstall({
    ...{ name, crm, account, state: "active", version: 1, updatedAt: Date.now() },
    body: JSON.stringify(body),
    sealed: createSealer([key]).seal(JSON.stringify(grant), name),
  });
}
