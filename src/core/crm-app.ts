import type { ZodType } from "zod";
import type { ContactRef } from "./contact.ts";
import type { BodyCheck } from "./provider.ts";

/** One request to a CRM's API, for the metrics. */
export type CrmRequest = {
  kind: "search" | "general" | "token";
  status: number | "timeout" | "network" | "stopped";
  ms: number;
};

/** What a CRM has granted us. A refresh token may be valid only once, so a new one is stored before it is used. */
export type Grant = {
  accessToken: string;
  refreshToken: string;
  /** Milliseconds since 1970. */
  expiresAt?: number;
  /** When it was granted, in milliseconds since 1970. */
  renewedAt?: number;
  /** Where the account's API is, when the CRM says so. */
  url?: string;
  scopes: string[];
};

/** Whether a scope may be used. Every scope may be tried at a CRM that does not list the granted ones. */
export function isGranted(granted: readonly string[], scope: string): boolean {
  return granted.length === 0 || granted.includes(scope);
}

/** The CRM account behind a grant. */
export type Account = {
  /** The CRM's own, stable id. */
  id: string;
  /** For people. */
  name: string;
  /** Where people see it. */
  url?: string;
  timeZone?: string;
};

/** The parameters of the CRM's consent page. */
export type Consent = {
  redirectUri: string;
  state: string;
  /** Of PKCE, S256. */
  challenge: string;
  scopes: readonly string[];
  optionalScopes: readonly string[];
  /** A sandbox or a My Domain, as the CRM names them. */
  where?: string;
};

/** What a consent's callback brings back. */
export type ConsentCode = { code: string; redirectUri: string; verifier: string; where?: string };

/** Why there is no grant. */
export type GrantFailure =
  /** The access was revoked: a person has to connect the account again. */
  | "revoked"
  /** Our app is set up wrongly, whichever account it is: no account is disconnected because of it. */
  | "config"
  /** Try again. */
  | "later";

/** A CRM did not give or renew a grant. */
export class GrantError extends Error {
  readonly failure: GrantFailure;

  constructor(failure: GrantFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "GrantError";
    this.failure = failure;
  }
}

/** Accounts that uninstalled our app. */
export type Departures = {
  /** `at`: milliseconds since 1970. */
  accounts: { id: string; at: number }[];
  /** Where the next read begins; absent when nothing was ever reported. */
  cursor?: string;
  /** There may be more now. */
  more: boolean;
};

/** How a CRM is connected by OAuth. `A`: our app's settings at that CRM. All but `consentUrl` throw `GrantError`. */
export type OAuth<A = unknown> = {
  app: ZodType<A>;
  consentUrl(app: A, consent: Consent): string;
  /** Exchanges a code for a grant. A code is valid once. */
  exchange(app: A, given: ConsentCode, context: OAuthContext): Promise<Grant>;
  refresh(app: A, grant: Grant, context: OAuthContext): Promise<Grant>;
  account(app: A, grant: Grant, context: OAuthContext): Promise<Account>;
  /** Revokes our access at the CRM; a revoked access is no error. */
  disconnect(app: A, grant: Grant, context: OAuthContext): Promise<void>;
  /** Signs people in to us. */
  signIn?: CrmSignIn<A>;
  /** The accounts that have uninstalled us since `cursor`; without one, as far back as the CRM remembers. */
  uninstalls?(app: A, cursor: string | undefined, context: OAuthContext): Promise<Departures>;
};

/** A person at a CRM. */
type CrmUser = {
  /** The CRM's own id of the account. */
  account: string;
  /** The CRM's own id of the person. */
  id: string;
  /** For people: an e-mail address or a username. */
  name: string;
  /** Whether they may administer the account. */
  isAdmin: boolean;
};

/** How people of a CRM sign in to us, by a consent with our app. */
type CrmSignIn<A = unknown> = {
  consentUrl(app: A, consent: Consent): string;
  /** Who consented. The tokens of the consent are dropped. `withdraw`: undoes it, for an account that is not ours. */
  identify(
    app: A,
    given: ConsentCode,
    context: OAuthContext,
  ): Promise<{ user: CrmUser; withdraw: () => Promise<void> }>;
};

export type OAuthContext = {
  now: () => number;
  onRequest?: (request: CrmRequest) => void;
  /** Aborted when the answer is no longer needed. */
  signal?: AbortSignal;
};

/** An access token. */
export type Token = {
  accessToken: string;
  /** Milliseconds since 1970; absent when the issuer did not say. */
  expiresAt?: number;
  /** Where it is to be used, when the issuer says. */
  url?: string;
};

/** Always a valid token; one request serves all that wait for it. */
export type TokenSource = {
  current(): Promise<Token>;
  /** This token was refused: the next `current` fetches a new one. Has no effect for a token that was replaced already. */
  refused(token: Token): void;
};

/** A CRM's request to our app, before its body. It may be about any account that installed the app. */
export type CrmRequestHead = {
  method: string;
  /** The whole URL as the CRM calls it. */
  url: string;
  /** Names are in lower case. */
  headers: Readonly<Record<string, unknown>>;
};

/** What happened to the contacts of one account. */
export type ContactEvents = {
  /** The CRM's own id of the account. */
  account: string;
  /** Ids to read again, in no order; some may be deleted by then. */
  changed: string[];
  removed: ContactRef[];
  /** Removed at the request of the person. */
  erased: ContactRef[];
};

/** The webhook by which a CRM reports changes to contacts. `A`: our app's settings at that CRM. */
export type CrmWebhook<A = unknown> = {
  /** Throws `Rejected(401)` unless the head has a signature of the last minutes; returns the check of the body. */
  verify(app: A, head: CrmRequestHead, now: number): BodyCheck;
  /** Throws `Rejected(400)`. */
  read(body: Uint8Array): ContactEvents[];
};

export type RegisterContext = OAuthContext & {
  /** Access to accounts that installed us, for a CRM where the app alone cannot register. */
  accounts: readonly TokenSource[];
};

/** How a CRM's own player gets the recordings of calls from our app. `A`: our app's settings at that CRM. */
export type CrmRecordings<A = unknown> = {
  /**
   * Registers our address at the CRM, unless it is registered or the CRM could not reach it. `address`: a secret; the
   * CRM appends the provider's id of a call. Throws `GrantError`, or `CrmError` for an account.
   */
  register(app: A, address: string, context: RegisterContext): Promise<void>;
  /** Throws `Rejected(401)` for a wrong signature. A request without one passes, since the address is a secret. */
  verify(app: A, head: CrmRequestHead, now: number): void;
  /** The name of the installation that a request is about. Throws `Rejected`. */
  read(app: A, query: URLSearchParams): { installation: string };
  /** The body that answers with our link. */
  reply(url: string): unknown;
};
