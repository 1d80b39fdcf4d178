import { createHash, randomBytes } from "node:crypto";
import { SealError, type Sealer } from "./seal.ts";
import { sameSecret } from "./secrets.ts";

/** What goes along to the other site, and what the browser keeps: all of it, sealed. */
export type Begun = { state: string; challenge: string; browser: string };

/** `verifier`: of PKCE. `state`: its digest. `until`: milliseconds. */
type Sealed<T> = { given: T; verifier: string; state: string; until: number };

const validMs = 600_000;

export type Pending<T> = {
  begin(given: T): Begun;
  /** Why not, when there is no such state in this browser or it is too old. */
  finish(state: string, browser: string): (T & { verifier: string }) | "unknown" | "expired";
};

/**
 * Requests that a browser takes to another site and back. A state is valid for ten minutes, only in the browser that
 * began. Nothing is stored on the server, so strangers cannot displace one; the other site's code, which is valid once
 * (RFC 6749 §4.1.2), ensures that it is used once. `about`: what they are for.
 */
export function createPending<T extends object>(
  now: () => number,
  sealer: Sealer,
  about: string,
): Pending<T> {
  return {
    begin(given) {
      const [state, verifier] = [random(32), random(48)];
      const sealed: Sealed<T> = { given, verifier, state: digest(state), until: now() + validMs };
      return { state, browser: sealer.seal(JSON.stringify(sealed), about), challenge: digest(verifier) };
    },
    finish(state, browser) {
      const known = opened<T>(sealer, browser, about);
      if (!known || !sameSecret(digest(state), known.state)) return "unknown";
      if (known.until <= now()) return "expired";
      return { ...known.given, verifier: known.verifier };
    },
  };
}

/** Undefined for a text that we did not seal. */
function opened<T>(sealer: Sealer, browser: string, about: string): Sealed<T> | undefined {
  try {
    return JSON.parse(sealer.open(browser, about)) as Sealed<T>;
  } catch (error) {
    if (error instanceof SealError) return undefined;
    throw error;
  }
}

function random(bytes: number): string {
  return randomBytes(bytes).toString("base64url");
}

/** SHA-256 in base64url, which is also PKCE's S256. */
function digest(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}
