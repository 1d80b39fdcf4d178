import type { Emulator } from "../contract.ts";
import type { ExtraProperty } from "./definitions.ts";
import type { IssuedTokens } from "./grants.ts";
import type { People } from "./people.ts";
import type { Limits } from "./portal.ts";
import type { FetchedRecording, RecordingSetter } from "./recordings.ts";
import type { HubspotApp } from "./types.ts";
import type { Delivery, WebhookOptions } from "./webhooks.ts";

export type HubspotOptions = WebhookOptions & {
  now?: () => number;
  /** Accepted bearer tokens; "hubspot-token" when there is neither one nor an app. */
  token?: string | string[];
  /** An app that the portal's people can install, over OAuth. */
  app?: HubspotApp;
  /** Whether each refresh gives a new refresh token and ends the old one. */
  rotateRefreshTokens?: boolean;
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
  /** Whether a search must have all members that the published specification requires. */
  strictSearch?: boolean;
  /** Custom properties that the portal has from the start. */
  properties?: ExtraProperty[];
  /** Contacts that exist by formula, see `generatedContact`. */
  contacts?: number;
  /** Whether results of batches come in no order. */
  shuffle?: boolean;
  /** Also answers the paths of v3 and v4. */
  legacyPaths?: boolean;
  /** Whose tokens may say where the app has its recordings; either's when absent. */
  recordingSetters?: readonly RecordingSetter[];
  latencyMs?: number;
  port?: number;
};

/**
 * Kinds of requests, for counts and faults: `search`, `upsert`, `batch create`, `batch read`, `batch update`,
 * `batch archive`, `list`, `get`, `create`, `update`, `archive`, `associate`, `associate labels`, `dissociate`,
 * `associations read`, `associations list`, `properties`, `property write`, `owners`, `account`, `recording ready`,
 * `recording setting`, `authorize`, `consent`, `token`, `introspect`, `revoke`, `uninstall`, `journal`, `journal subscription`,
 * `journal file`.
 */
export type HubspotEmulator = Emulator & {
  people: People & AppPeople;
  /** The token that clients use: the given one, else the newest one that was issued, else "". */
  readonly token: string;
  indexLagMs: number;
  rotateRefreshTokens: boolean;
  limits: Limits | false;
  /** Grants exactly these; an issued token also needs them from its consent. */
  scopes: string[] | "all";
  /** All tokens that there are expire; `acceptToken` and a refresh give good ones. */
  expireToken(): void;
  acceptToken(token: string): void;
  webhookUrl: string | undefined;
  /** Every attempt to deliver events, in order. */
  readonly deliveries: readonly Delivery[];
  /** Resolves when all events were delivered or given up. */
  webhooksSettled(): Promise<void>;
  /** Asks the app for the recording of a call, as HubSpot does when somebody plays it. */
  fetchRecording(callId: string, via?: string): Promise<FetchedRecording>;
};

/** What an admin does with the app. All of it throws when the emulator has none. */
export type AppPeople = {
  /** Consents without a browser, by default to all that the app may ask for. */
  install(scopes?: string[]): IssuedTokens;
  uninstall(): void;
  /** Ends the refresh tokens; the app stays, and its access tokens live on. */
  revoke(): void;
};
