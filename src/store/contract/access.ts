import type { Principal } from "../../core/principal.ts";

/** A browser that has signed in. Times in milliseconds since 1970. */
export type StoredSession = Omit<Principal, "session"> & {
  /** The digest of the cookie's value. */
  id: string;
  /** A keyed digest of what was signed in with, if that can be replaced: the session ends with it. */
  credential?: string;
  address: string;
  createdAt: number;
  seenAt: number;
  expiresAt: number;
};

/** A link that opens one session. */
export type StoredLink = Pick<StoredSession, "id" | "role" | "listen" | "name" | "expiresAt"> & {
  installation: string;
};

/** Who did what. */
export type AuditLine = {
  id: number;
  at: number;
  who: string;
  signedInBy: string;
  /** The method and the path of the route. */
  action: string;
  /** What it was done to, such as the key of a call. */
  object?: string;
  installation?: string;
  address: string;
  /** What changed, as JSON without personal data. */
  detail?: string;
  /** The HTTP status; absent while it is under way, and when the process ended before it was done. */
  result?: number;
};

/** What is known of an audited request once it is answered. */
export type AuditEnd = { result: number } & Partial<Pick<AuditLine, "object" | "installation" | "detail">>;

export type AuditFilter = { installation?: string; before?: number; limit: number };

/** Sessions, one-time links and the audit. */
export type AccessStore = {
  addSession(session: StoredSession): Promise<void>;
  session(id: string): Promise<StoredSession | undefined>;
  /** Those that have not expired, the last used first; of one installation, if it is given. */
  sessions(now: number, installation?: string): Promise<StoredSession[]>;
  touchSession(id: string, seenAt: number, expiresAt: number): Promise<void>;
  /** False when there is none. */
  removeSession(id: string): Promise<boolean>;
  addLink(link: StoredLink): Promise<void>;
  link(id: string): Promise<StoredLink | undefined>;
  /** Removes a link and returns it; undefined for one that was taken before. */
  takeLink(id: string): Promise<StoredLink | undefined>;
  /** Returns the id of the line. */
  addAuditLine(line: Omit<AuditLine, "id">): Promise<number>;
  endAuditLine(id: number, end: AuditEnd): Promise<void>;
  /** The latest first. */
  auditLines(filter: AuditFilter): Promise<AuditLine[]>;
  /** Deletes expired sessions and links, and audit lines of before `auditBefore`. */
  purgeAccess(now: number, auditBefore: number): Promise<void>;
};
