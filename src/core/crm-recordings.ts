import type { CrmRequestHead } from "./contact-events.ts";
import type { OAuthContext, TokenSource } from "./oauth.ts";

/** `accounts`: access to accounts that installed us, where a CRM takes no word from the app alone. */
export type RegisterContext = OAuthContext & { accounts: readonly TokenSource[] };

/** How a CRM's own player asks our app for the recordings of calls. `A`: our app's settings at that CRM. */
export type CrmRecordings<A = unknown> = {
  /**
   * Tells the CRM where to ask, unless it knows, or could not reach us there. `address`: a secret; the CRM adds the provider's
   * id of a call as the last step of its path. Throws `GrantError`, or `CrmError` for an account.
   */
  register(app: A, address: string, context: RegisterContext): Promise<void>;
  /** Throws `Rejected(401)` for a proof that is wrong; one that is not there is fine, since the address is a secret. */
  verify(app: A, head: CrmRequestHead, now: number): void;
  /** The name of the installation that is asked about. Throws `Rejected`. */
  read(app: A, query: URLSearchParams): { installation: string };
  /** The body that answers with our link. */
  reply(url: string): unknown;
};
