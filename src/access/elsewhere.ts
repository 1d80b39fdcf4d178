import type { Principal } from "../core/principal.ts";
import { createPending, type Pending } from "../lib/pending.ts";
import { createSealer } from "../lib/seal.ts";
import type { Store } from "../store/contract.ts";

/** Why a person was not signed in. */
type SignInRefusal = "expired" | "denied" | "notAllowed" | "notInstalled" | "notAdmin" | "away" | "failed";

/** Who has signed in elsewhere, or why that was refused. `detail`: for the log. */
export type SignedIn =
  | { principal: Omit<Principal, "session"> }
  | { refused: SignInRefusal; detail?: unknown };

/** What the browser takes along. `next`: where it goes on to. `where`: a place that a CRM knows. */
type SignInGoal = { next: string; where?: string };

/** The parameters of another site's answer that it sent the browser back with. */
type Callback = { url: URL; state: string; browser: string };

/** A site that people sign in with. */
export type SignInWay = {
  label: string;
  /** Where to send the browser, and what it keeps meanwhile. Throws `Rejected` for a wrong place. */
  begin(goal: SignInGoal): Promise<{ url: string; browser: string }>;
  finish(callback: Callback): Promise<SignedIn & { next: string }>;
};

/** What a way does with a request that has its own state. */
type Site<T> = {
  label: string;
  begin(
    goal: SignInGoal,
  ): Promise<{ kept: T; urlOf: (given: { state: string; challenge: string }) => string }>;
  finish(url: URL, kept: T & { verifier: string; state: string }): Promise<SignedIn>;
};

type WayParts = { store: Pick<Store, "secret">; now: () => number };

/** Ties the answer of a site to the browser that began, and refuses all others. `id`: of the way. */
export function createWay<T extends object>(id: string, site: Site<T>, { store, now }: WayParts): SignInWay {
  let known: Promise<Pending<T & SignInGoal>> | undefined;

  // The key is shared with other instances, and lasts over restarts.
  const pending = (): Promise<Pending<T & SignInGoal>> => {
    known ??= store
      .secret("sign-in")
      .then((key) => createPending<T & SignInGoal>(now, createSealer([hexOf(key)]), `sign-in ${id}`))
      .catch((error: unknown) => {
        known = undefined;
        throw error;
      });
    return known;
  };

  return {
    label: site.label,
    async begin(goal) {
      const { kept, urlOf } = await site.begin(goal);
      const { browser, ...given } = (await pending()).begin({ ...kept, ...goal });
      return { url: urlOf(given), browser };
    },
    async finish({ url, state, browser }) {
      const kept = (await pending()).finish(state, browser);
      if (kept === "unknown" || kept === "expired") return { refused: "expired", next: "/" };
      const { next } = kept;
      const error = url.searchParams.get("error");
      if (error === "access_denied") return { refused: "denied", next };
      if (error !== null) return { refused: "failed", next, detail: error.slice(0, 200) };
      return { ...(await site.finish(url, { ...kept, state })), next };
    },
  };
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
