import { type Emulator, type OwnFault, type Route, startServer } from "../server.ts";
import { type AccessSettings, createAccess } from "./access.ts";
import { accountRoutes } from "./account.ts";
import { associationRoutes } from "./associations.ts";
import { toRoutes } from "./crm-route.ts";
import type { ExtraProperty } from "./definitions.ts";
import { generateContacts } from "./generated-contacts.ts";
import { objectBatchRoutes } from "./object-batches.ts";
import { objectRoutes } from "./objects.ts";
import { countRecords, portalPage } from "./page.ts";
import { createPeople, type People } from "./people.ts";
import { createPortal, type Limits } from "./portal.ts";
import { propertyRoutes } from "./properties.ts";
import { notFound, problemReply, tooManyRequests } from "./refusals.ts";
import { searchRoute } from "./search.ts";
import { objectTypes } from "./types.ts";

export { generatedContact } from "./generated-contacts.ts";
export { derivePhone } from "./phones.ts";
export { dispositions } from "./seed.ts";

export type HubspotOptions = {
  now?: () => number;
  /** Accepted bearer tokens. */
  token?: string | string[];
  /** Granted scopes; all when absent. */
  scopes?: string[];
  /** The portal's country, for the calculated phone properties. */
  region?: string;
  portalId?: number;
  limits?: Limits | false;
  /** How late a search sees changes. */
  indexLagMs?: number;
  /** Whether calls and tasks take unique properties. */
  callUnique?: boolean;
  /** Custom properties that the portal has from the start. */
  properties?: ExtraProperty[];
  /** Contacts that exist by formula, see `generatedContact`. */
  contacts?: number;
  /** Whether results of batches come in no order. */
  shuffle?: boolean;
  /** Also answers the paths of v3 and v4. */
  legacyPaths?: boolean;
  latencyMs?: number;
  port?: number;
};

/**
 * Kinds of requests, for counts and faults: `search`, `upsert`, `batch create`, `batch read`, `batch update`,
 * `batch archive`, `list`, `get`, `create`, `update`, `archive`, `associate`, `associate labels`, `dissociate`,
 * `associations read`, `associations list`, `properties`, `property write`, `owners`, `account`, `recording ready`.
 */
export type HubspotEmulator = Emulator & {
  people: People;
  /** The token that clients use. */
  token: string;
  indexLagMs: number;
  limits: Limits | false;
  /** Grants exactly these. */
  scopes: string[] | "all";
  /** All tokens are expired from now on, until `acceptToken`. */
  expireToken(): void;
  acceptToken(token: string): void;
};

const usualLimits: Limits = { general: 110, perMs: 10_000, search: 5, searchPerMs: 1000 };

/** A HubSpot portal with its API on loopback. */
export async function startHubspot(options: HubspotOptions = {}): Promise<HubspotEmulator> {
  const now = options.now ?? Date.now;
  const tokens = [options.token ?? "hubspot-token"].flat();
  const portal = createPortal({
    now,
    portalId: options.portalId ?? 62_515,
    region: options.region ?? "US",
    callUnique: options.callUnique ?? true,
    shuffle: options.shuffle ?? true,
    properties: options.properties ?? [],
    ...(options.contacts ? { contacts: generateContacts(options.contacts) } : {}),
  });
  const settings: AccessSettings & { indexLagMs: number } = {
    tokens: new Set(tokens),
    expiredTokens: new Set(),
    scopes: options.scopes ? new Set(options.scopes) : "all",
    limits: options.limits ?? usualLimits,
    indexLagMs: options.indexLagMs ?? 0,
  };
  const access = createAccess(settings, now);
  const crmRoutes = [
    ...objectBatchRoutes(portal),
    searchRoute(portal, () => settings.indexLagMs),
    ...associationRoutes(portal),
    ...objectRoutes(portal),
    ...propertyRoutes(portal),
    ...accountRoutes(portal),
  ];
  const routes: Route[] = crmRoutes.flatMap((route) =>
    toRoutes(route, options.legacyPaths ?? false, access.authorize),
  );
  const emulator = await startServer({
    routes,
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
      scopes: setScopes,
      limits(value) {
        settings.limits = value === false ? false : { ...usualLimits, ...(value as Partial<Limits>) };
      },
    },
  });

  const extra = {
    people: createPeople(portal),
    token: tokens[0] ?? "",
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

/** `{ type: "429", policy, retryAfter? }` and `{ type: "conflict" }`, which refuses a whole batch. */
function ownFault(fault: OwnFault) {
  if (fault.type === "429") {
    const retryAfter = fault["retryAfter"];
    return tooManyRequests(
      String(fault["policy"] ?? "TEN_SECONDLY_ROLLING"),
      retryAfter === undefined ? undefined : Number(retryAfter),
    );
  }
  if (fault.type === "conflict") {
    const message = "Conflict while writing the batch, nothing was written.";
    return problemReply({ status: 409, category: "CONFLICT", message });
  }
  return problemReply({ status: 500, category: "EMULATOR", message: `There is no fault "${fault.type}".` });
}
