import type { OAuthContext } from "../core/crm-app.ts";
import type { Log } from "../core/runtime.ts";
import type { InstallableCrm } from "../installations/installer.ts";
import type { Store } from "../store/contract.ts";
import { createAudit } from "./audit.ts";
import { createCrmWay } from "./crm.ts";
import type { SignInWay } from "./elsewhere.ts";
import { createOidc } from "./oidc.ts";
import { createRefusals } from "./refusals.ts";
import { createLinks, createSessions } from "./sessions.ts";
import type { OidcSettings } from "./settings.ts";

export type Access = ReturnType<typeof createAccess>;

export type AccessParts = {
  store: Store;
  now: () => number;
  log: Log;
  publicUrl: string;
  /** Called with facts that a stranger can repeat at will. */
  warnSeldom: (facts: object, sentence: string) => void;
  /** Called for each wrong token. */
  countRefused: () => void;
  adminToken: string | undefined;
  oidc: OidcSettings | undefined;
  /** The CRMs whose app we have. */
  crms: ReadonlyMap<string, InstallableCrm>;
  contextOf: (crm: string) => OAuthContext;
};

/** Who may do what: sessions, rights and the audit. */
export function createAccess(parts: AccessParts) {
  const { store, now, log, adminToken, oidc } = parts;
  return {
    sessions: createSessions({
      store,
      now,
      // Sessions end when the token, or the provider, is replaced.
      credentialOf: (signedInBy) =>
        signedInBy === "token" ? adminToken : signedInBy === "oidc" ? (oidc?.issuer ?? "none") : undefined,
    }),
    links: createLinks({ store, now }),
    audit: createAudit({ store, now, log }),
    refusals: createRefusals({ now, log: { warn: parts.warnSeldom }, count: parts.countRefused }),
    adminToken,
    /** Sites that people can sign in with, by their id in the path. */
    ways: waysOf(parts),
    /** Whether operators sign in. Otherwise this machine may do everything, and no other may do anything. */
    needsSignIn: adminToken !== undefined || oidc !== undefined,
  };
}

function waysOf(parts: AccessParts): ReadonlyMap<string, SignInWay> {
  const { oidc, crms, publicUrl, store, now, contextOf } = parts;
  const redirectUri = (id: string) => `${publicUrl}/login/${id}/callback`;
  const ways = new Map<string, SignInWay>();
  if (oidc) ways.set("oidc", createOidc(oidc, { store, now, redirectUri: redirectUri("oidc") }));
  for (const [crm, installable] of crms) {
    const all = { store, now, redirectUri: redirectUri(crm), context: contextOf(crm) };
    const way = createCrmWay(crm, installable, all);
    if (way) ways.set(crm, way);
  }
  return ways;
}
