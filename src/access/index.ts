import type { Log } from "../core/runtime.ts";
import type { Store } from "../store/contract.ts";
import { createAudit } from "./audit.ts";
import { createRefusals } from "./refusals.ts";
import { createLinks, createSessions } from "./sessions.ts";

export type Access = ReturnType<typeof createAccess>;

export type AccessParts = {
  store: Store;
  now: () => number;
  log: Log;
  /** Called with facts that a stranger can repeat at will. */
  warnSeldom: (facts: object, sentence: string) => void;
  /** Called for each wrong token. */
  countRefused: () => void;
  adminToken: string | undefined;
};

/** Who may do what: sessions, rights and the audit. */
export function createAccess({ store, now, log, warnSeldom, countRefused, adminToken }: AccessParts) {
  return {
    sessions: createSessions({
      store,
      now,
      credentialOf: (signedInBy) => (signedInBy === "token" ? adminToken : undefined),
    }),
    links: createLinks({ store, now }),
    audit: createAudit({ store, now, log }),
    refusals: createRefusals({ now, log: { warn: warnSeldom }, count: countRefused }),
    adminToken,
    /** Where else people can sign in. */
    ways: [] as { path: string; label: string }[],
    /** Whether people sign in. Otherwise this machine may do everything, and no other may do anything. */
    needsSignIn: adminToken !== undefined,
  };
}
