import { createHash, randomBytes } from "node:crypto";
import { Rejected } from "../core/errors.ts";
import { sameSecret } from "../lib/signature.ts";

/** Somebody who was sent to the CRM to agree. `verifier`: of PKCE. `region`: the country they gave. */
export type Pending = { crm: string; verifier: string; region: string; where?: string };

/** What goes along to the CRM, and what the browser keeps. */
export type Begun = { state: string; challenge: string; browser: string };

/** Who is on the way to a CRM and back. A state is good once, for ten minutes, and in the browser that began only. */
export type Consents = {
  begin(asked: Omit<Pending, "verifier">): Begun;
  /** Throws `Rejected(400)`. */
  finish(crm: string, state: string, browser: string): Pending;
};

const goodForMs = 600_000;
/** More at once are no people. */
const most = 1_000;

export function createConsents(now: () => number): Consents {
  const waiting = new Map<string, Pending & { until: number; browser: string }>();

  const forget = (): void => {
    for (const [state, { until }] of waiting) {
      if (until > now() && waiting.size < most) break;
      waiting.delete(state);
    }
  };

  return {
    begin(asked) {
      forget();
      const [state, browser, verifier] = [random(), random(), random(48)];
      waiting.set(digest(state), { ...asked, verifier, browser: digest(browser), until: now() + goodForMs });
      return { state, browser, challenge: digest(verifier) };
    },
    finish(crm, state, browser) {
      const known = waiting.get(digest(state));
      waiting.delete(digest(state));
      const again = `Begin again at /install/${crm}.`;
      if (!known || known.until <= now() || known.crm !== crm)
        throw new Rejected(400, `this consent was used already, or took longer than ten minutes. ${again}`);
      if (!sameSecret(digest(browser), known.browser))
        throw new Rejected(400, `this consent was begun in another browser. ${again}`);
      const { until: _, browser: __, ...pending } = known;
      return pending;
    },
  };
}

function random(bytes = 32): string {
  return randomBytes(bytes).toString("base64url");
}

/** SHA-256 in base64url, which is also PKCE's S256. */
function digest(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}
