import { createHash, randomBytes } from "node:crypto";
import type { Principal } from "../core/principal.ts";
import { hmacSha256 } from "../lib/secrets.ts";
import type { Store, StoredLink, StoredSession } from "../store/contract.ts";

/** A session ends when it was not used for this long, */
const idleMs = 12 * 3_600_000;
/** and at the latest this long after the sign-in. */
export const longestMs = 7 * 24 * 3_600_000;
/** The store notes the use of a session at most this often. */
const noteEveryMs = 5 * 60_000;

type SessionParts = {
  store: Pick<Store, "addSession" | "session" | "sessions" | "touchSession" | "removeSession" | "secret">;
  now: () => number;
  /** What people sign in with in this way now; a session that was opened with another one has ended. */
  credentialOf: (signedInBy: string) => string | undefined;
};

/** The sessions of browsers. Only a digest of what a browser has is stored. */
export function createSessions({ store, now, credentialOf }: SessionParts) {
  let key: Promise<Uint8Array> | undefined;

  const credential = async (signedInBy: string): Promise<string | undefined> => {
    const current = credentialOf(signedInBy);
    if (current === undefined) return undefined;
    key ??= store.secret("sessions").catch((error: unknown) => {
      key = undefined;
      throw error;
    });
    return hmacSha256(await key, current).toString("base64url");
  };

  return {
    /** Returns the value of the cookie. */
    async open(principal: Omit<Principal, "session">, address: string): Promise<string> {
      const token = randomToken();
      const { role, listen, installation, name, signedInBy } = principal;
      const made = await credential(signedInBy);
      await store.addSession({
        id: digestOf(token),
        role,
        listen,
        name,
        signedInBy,
        address,
        createdAt: now(),
        seenAt: now(),
        expiresAt: now() + idleMs,
        ...(installation !== undefined && { installation }),
        ...(made !== undefined && { credential: made }),
      });
      return token;
    },

    /** Whose session it is, which is used now; undefined when it has ended. */
    async find(token: string): Promise<Principal | undefined> {
      const stored = await store.session(digestOf(token));
      if (!stored || stored.expiresAt <= now()) return undefined;
      if (stored.credential !== (await credential(stored.signedInBy))) return undefined;
      const { id, role, listen, installation, name, signedInBy } = stored;
      return {
        role,
        listen,
        name,
        signedInBy,
        ...(installation !== undefined && { installation }),
        session: { id, expiresAt: await extend(stored) },
      };
    },

    /** Whether the session of a principal goes on; always for those who have none. */
    async isOpen({ session }: Pick<Principal, "session">): Promise<boolean> {
      if (!session) return true;
      const stored = await store.session(session.id);
      return stored !== undefined && stored.expiresAt > now();
    },

    list: (installation?: string): Promise<StoredSession[]> => store.sessions(now(), installation),
    /** With this id, whether it has ended or not. */
    stored: (id: string): Promise<StoredSession | undefined> => store.session(id),
    /** False when there is none. */
    end: (id: string): Promise<boolean> => store.removeSession(id),
  };

  async function extend({ id, createdAt, seenAt, expiresAt }: StoredSession): Promise<number> {
    const at = now();
    if (at - seenAt < noteEveryMs) return expiresAt;
    const until = Math.min(at + idleMs, createdAt + longestMs);
    await store.touchSession(id, at, until);
    return until;
  }
}

const linkMs = 60_000;

/** Whose session a link opens. */
export type LinkedSession = Omit<StoredLink, "id" | "expiresAt">;

type LinkParts = { store: Pick<Store, "addLink" | "link" | "takeLink">; now: () => number };

/** One-time links. Each opens one session within a minute; only its digest is stored. */
export function createLinks({ store, now }: LinkParts) {
  const valid = (found: StoredLink | undefined) => (found && found.expiresAt > now() ? found : undefined);
  return {
    async make(opens: LinkedSession): Promise<{ token: string; expiresAt: number }> {
      const token = randomToken();
      const expiresAt = now() + linkMs;
      await store.addLink({ ...opens, id: digestOf(token), expiresAt });
      return { token, expiresAt };
    },
    /** What it opens, without using it up; undefined when it is not valid any more. */
    look: async (token: string): Promise<LinkedSession | undefined> =>
      valid(await store.link(digestOf(token))),
    /** Uses it up. */
    take: async (token: string): Promise<LinkedSession | undefined> =>
      valid(await store.takeLink(digestOf(token))),
  };
}

/** A secret for a browser or a link. */
function randomToken(): string {
  return randomBytes(32).toString("base64url");
}

/** What is stored of a secret, and identifies it. The secret is random, so the digest needs no key. */
function digestOf(token: string): string {
  return createHash("sha256").update(token).digest("base64url");
}
