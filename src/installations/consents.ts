import { createHash, randomBytes } from "node:crypto";
import { Rejected } from "../core/errors.ts";
import { SealError, type Sealer } from "../lib/seal.ts";
import { sameSecret } from "../lib/signature.ts";

/** A consent that was begun. `verifier`: of PKCE. `region`: the country that was entered. */
type PendingConsent = { crm: string; verifier: string; region: string; where?: string };

/** What goes along to the CRM, and what the browser keeps: the consent itself, sealed. */
export type Begun = { state: string; challenge: string; browser: string };

/**
 * Consents that are under way. A state is valid for ten minutes, only in the browser that began. Nothing is stored on the
 * server, so strangers cannot displace a consent; the CRM's code, which is valid once (RFC 6749 §4.1.2), ensures that a
 * consent is used once.
 */
export type Consents = {
  begin(pending: Omit<PendingConsent, "verifier">): Begun;
  /** Throws `Rejected(400)`. */
  finish(crm: string, state: string, browser: string): PendingConsent;
};

/** `state`: its digest. `until`: milliseconds. */
type Sealed = PendingConsent & { state: string; until: number };

const goodForMs = 600_000;
const about = "consent";

export function createConsents(now: () => number, sealer: Sealer): Consents {
  return {
    begin(pending) {
      const [state, verifier] = [random(), random(48)];
      const sealed: Sealed = { ...pending, verifier, state: digest(state), until: now() + goodForMs };
      return { state, browser: sealer.seal(JSON.stringify(sealed), about), challenge: digest(verifier) };
    },
    finish(crm, state, browser) {
      const again = `Begin again at /install/${crm}.`;
      const known = opened(sealer, browser);
      if (!known || !sameSecret(digest(state), known.state))
        throw new Rejected(
          400,
          `this consent was used already, or was begun in another browser or before another one. ${again}`,
        );
      if (known.until <= now() || known.crm !== crm)
        throw new Rejected(400, `this consent took longer than ten minutes, or is another CRM's. ${again}`);
      const { until: _, state: __, ...pending } = known;
      return pending;
    },
  };
}

/** Undefined for a text that we did not seal. */
function opened(sealer: Sealer, browser: string): Sealed | undefined {
  try {
    return JSON.parse(sealer.open(browser, about)) as Sealed;
  } catch (error) {
    if (error instanceof SealError) return undefined;
    throw error;
  }
}

function random(bytes = 32): string {
  return randomBytes(bytes).toString("base64url");
}

/** SHA-256 in base64url, which is also PKCE's S256. */
function digest(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}
