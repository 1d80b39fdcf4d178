import { type Route, startServer } from "../server.ts";
import { type AccessSettings, createAccess } from "./access.ts";
import { accountRoutes } from "./account.ts";
import { appPeople, appRoutes } from "./app.ts";
import { associationRoutes } from "./associations.ts";
import { toRoutes } from "./crm-route.ts";
import { generateContacts } from "./generated-contacts.ts";
import { createGrants, type GrantSettings } from "./grants.ts";
import { createJournal } from "./journal.ts";
import { objectBatchRoutes } from "./object-batches.ts";
import { objectRoutes } from "./objects.ts";
import type { HubspotEmulator, HubspotOptions } from "./options.ts";
import { ownFault } from "./own-faults.ts";
import { countRecords, portalPage } from "./page.ts";
import { createPeople } from "./people.ts";
import { createPortal, type Limits } from "./portal.ts";
import { propertyRoutes } from "./properties.ts";
import { createRecordings } from "./recordings.ts";
import { notFound, problemReply } from "./refusals.ts";
import { searchRoute } from "./search.ts";
import { objectTypes } from "./types.ts";
import { createWebhooks, webhookSettingsOf } from "./webhooks.ts";

export { generatedContact } from "./generated-contacts.ts";
export type { HubspotEmulator, HubspotOptions } from "./options.ts";
export { derivePhone } from "./phones.ts";
export { dispositions } from "./seed.ts";
export { signV3 } from "./signature.ts";
export type { HubspotApp } from "./types.ts";
export type { WebhookEvent } from "./webhook-events.ts";

const usualLimits: Limits = { general: 110, perMs: 10_000, search: 5, searchPerMs: 1000 };

/** A HubSpot portal with its API on loopback. */
export async function startHubspot(options: HubspotOptions = {}): Promise<HubspotEmulator> {
  const now = options.now ?? Date.now;
  const { app } = options;
  const tokens = [options.token ?? (app ? [] : "hubspot-token")].flat();
  const portalId = options.portalId ?? 62_515;
  const webhookSettings = webhookSettingsOf(options, app);
  const webhooks = createWebhooks({
    app,
    portalId,
    settings: webhookSettings,
    now,
    shuffle: (events) => portal.shuffle(events),
    isConnected: () => tokens.length > 0 || grants.current() !== undefined,
  });
  const portal = createPortal({
    now,
    portalId,
    ...(app ? { onContactChange: webhooks.hear } : {}),
    region: options.region ?? "US",
    callUnique: options.callUnique ?? true,
    strictSearch: options.strictSearch ?? false,
    shuffle: options.shuffle ?? true,
    properties: options.properties ?? [],
    ...(options.contacts ? { contacts: generateContacts(options.contacts) } : {}),
  });
  const settings: AccessSettings & GrantSettings & { indexLagMs: number } = {
    tokens: new Set(tokens),
    expiredTokens: new Set(),
    scopes: options.scopes ? new Set(options.scopes) : "all",
    limits: options.limits ?? usualLimits,
    indexLagMs: options.indexLagMs ?? 0,
    rotateRefreshTokens: options.rotateRefreshTokens ?? false,
  };
  const journal = createJournal(portalId, now);
  const grants = createGrants(settings, now, journal.record);
  const access = createAccess(settings, now, grants.find);
  const recordings = createRecordings(portal, {
    appId: app?.appId,
    setters: options.recordingSetters ?? ["app", "account"],
    find: grants.find,
  });
  const crmRoutes = [
    ...objectBatchRoutes(portal),
    searchRoute(portal, () => settings.indexLagMs),
    ...associationRoutes(portal),
    ...objectRoutes(portal),
    ...propertyRoutes(portal),
    ...accountRoutes(portal),
    ...recordings.routes(),
  ];
  const routes: Route[] = crmRoutes.flatMap((route) =>
    toRoutes(route, options.legacyPaths ?? false, access.authorize),
  );
  const ofApp = app
    ? appRoutes({ app, portalId, grants, journal, access, now, url: () => emulator.url })
    : [];
  const emulator = await startServer({
    routes: [...ofApp, ...routes],
    now,
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(options.latencyMs === undefined ? {} : { latencyMs: options.latencyMs }),
    before: access.before,
    headers: access.headers,
    fault: ownFault,
    notFound: ({ method, path }) =>
      problemReply({
        ...notFound,
        message: /\/v[1-4]\//.test(path)
          ? `${method} ${path}: this path of an old version is not served; use a dated one, /crm/objects/2026-03/...`
          : `${method} ${path}: resource not found`,
      }),
    malformed: () =>
      problemReply({ status: 400, category: "VALIDATION_ERROR", message: "Invalid input JSON" }),
    objects: () => countRecords(portal, objectTypes),
    page: () => portalPage(portal),
    settings: {
      indexLagMs(value) {
        settings.indexLagMs = Number(value);
      },
      rotateRefreshTokens(value) {
        settings.rotateRefreshTokens = value === true;
      },
      scopes: setScopes,
      webhookUrl(value) {
        webhookSettings.webhookUrl = value ? String(value) : undefined;
      },
      limits(value) {
        settings.limits = value === false ? false : { ...usualLimits, ...(value as Partial<Limits>) };
      },
    },
  });

  const { stop } = emulator;
  const extra = {
    stop() {
      webhooks.stop();
      return stop();
    },
    faults: webhooks.watch(emulator.faults),
    deliveries: webhooks.deliveries,
    webhooksSettled: webhooks.settled,
    fetchRecording: recordings.fetchRecording,
    get webhookUrl() {
      return webhookSettings.webhookUrl;
    },
    set webhookUrl(value: string | undefined) {
      webhookSettings.webhookUrl = value;
    },
    people: {
      ...createPeople(portal),
      ...appPeople(app, grants),
    },
    get token() {
      return tokens[0] ?? grants.latestToken();
    },
    get rotateRefreshTokens() {
      return settings.rotateRefreshTokens;
    },
    set rotateRefreshTokens(value: boolean) {
      settings.rotateRefreshTokens = value;
    },
    get indexLagMs() {
      return settings.indexLagMs;
    },
    set indexLagMs(value: number) {
      settings.indexLagMs = value;
    },
    get limits() {
      return settings.limits;
    },
    set limits(value: Limits | false) {
      settings.limits = value;
    },
    get scopes() {
      return settings.scopes === "all" ? "all" : [...settings.scopes];
    },
    set scopes(value: string[] | "all") {
      setScopes(value);
    },
    expireToken() {
      settings.expiredTokens = new Set(settings.tokens);
      grants.expireAll();
    },
    acceptToken(token: string) {
      settings.tokens.add(token);
      settings.expiredTokens.delete(token);
    },
  };
  return Object.defineProperties(emulator, Object.getOwnPropertyDescriptors(extra)) as HubspotEmulator;

  function setScopes(value: unknown): void {
    settings.scopes = Array.isArray(value) ? new Set(value.map(String)) : "all";
  }
}
