import type { ZodType } from "zod";
import type { CrmRequest } from "./requests.ts";

/**
 * What a CRM has granted us. `url`: where the account's API is, when the CRM says so. `expiresAt`: ms since 1970.
 * `scopes`: as granted. `renewedAt`: when it was given (ms). A refresh token may be valid once only: what comes back is kept before it is used.
 */
export type Grant = {
  accessToken: string;
  refreshToken: string;
  expiresAt?: number;
  renewedAt?: number;
  url?: string;
  scopes: string[];
};

/** Whether a scope may be used. A CRM that tells of no scopes may be asked for anything. */
export function isGranted(granted: readonly string[], scope: string): boolean {
  return granted.length === 0 || granted.includes(scope);
}

/** The CRM account behind a grant. `id`: the CRM's own, stable; `name`: for people; `url`: its pages. */
export type Account = { id: string; name: string; url?: string; timeZone?: string };

/** What a person is sent to the CRM with. `challenge`: of PKCE, S256. `where`: a sandbox or a My Domain, as the CRM names them. */
export type Consent = {
  redirectUri: string;
  state: string;
  challenge: string;
  scopes: readonly string[];
  optionalScopes: readonly string[];
  where?: string;
};

/**
 * `revoked`: nobody but a person at the CRM can mend it. `config`: our app is set up wrongly, whatever the account did:
 * no installation is given up for it. `later`: try again.
 */
export type GrantFailure = "revoked" | "config" | "later";

/** A CRM did not give or renew a grant. */
export class GrantError extends Error {
  readonly failure: GrantFailure;

  constructor(failure: GrantFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "GrantError";
    this.failure = failure;
  }
}

/**
 * Accounts that our app was taken out of. `at`: ms since 1970. `cursor`: where to read on, once there was anything to read.
 * `more`: there may be more already.
 */
export type Departures = { accounts: { id: string; at: number }[]; cursor?: string; more: boolean };

/** How a CRM is installed by OAuth. `A`: our app's settings at that CRM. All but `consentUrl` throw `GrantError`. */
export type OAuth<A = unknown> = {
  app: ZodType<A>;
  consentUrl(app: A, consent: Consent): string;
  /** Trades a code for a grant, once. */
  exchange(
    app: A,
    given: { code: string; redirectUri: string; verifier: string; where?: string },
    context: OAuthContext,
  ): Promise<Grant>;
  refresh(app: A, grant: Grant, context: OAuthContext): Promise<Grant>;
  account(app: A, grant: Grant, context: OAuthContext): Promise<Account>;
  /** Takes our access back at the CRM; an access that is gone already is fine. */
  disconnect(app: A, grant: Grant, context: OAuthContext): Promise<void>;
  /** The accounts that have uninstalled us since `cursor`; without one, as far back as the CRM remembers. */
  uninstalls?(app: A, cursor: string | undefined, context: OAuthContext): Promise<Departures>;
};

/** `signal`: nobody waits for the answer any more. */
export type OAuthContext = {
  now: () => number;
  onRequest?: (request: CrmRequest) => void;
  signal?: AbortSignal;
};

/** A pass to an API. `expiresAt`: ms since 1970; absent when nobody said. `url`: where it is to be used, when the issuer says. */
export type Token = { accessToken: string; expiresAt?: number; url?: string };

/** Always a valid token, fetched by one request however many ask. */
export type TokenSource = {
  current(): Promise<Token>;
  /** This token was refused: the next one who asks gets a new one. A refusal of an older token changes nothing. */
  refused(token: Token): void;
};
