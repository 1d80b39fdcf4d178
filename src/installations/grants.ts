import { setTimeout as pause } from "node:timers/promises";
import {
  type Grant,
  GrantError,
  type OAuth,
  type OAuthContext,
  type Token,
  type TokenSource,
} from "../core/crm-app.ts";
import { CrmError } from "../core/errors.ts";
import { SealError, type Sealer } from "../lib/seal.ts";
import { createTokenSource } from "../lib/token.ts";
import type { Store, StoredInstall } from "../store/contract.ts";
import type { InstallBody } from "./installer.ts";

/** The grant of one installation. Its changes happen one after another, also across processes. */
export type GrantKeeper = {
  tokens: TokenSource;
  /** The installation as it was stored when last read. */
  current(): StoredInstall;
  /** Reads again what another instance may have stored. */
  refresh(): Promise<void>;
  /** The granted scopes, as far as the CRM lists them. */
  scopes(): readonly string[];
  /** A new consent: the account works again. Stored settings stay. */
  replace(install: StoredInstall, grant: Grant): Promise<StoredInstall>;
  /** Changes anything but the grant. `change` gets what is stored now. */
  update(change: (stored: StoredInstall) => StoredInstall | Promise<StoredInstall>): Promise<StoredInstall>;
};

/** `lost`: called when the CRM has revoked our access. */
type GrantParts = {
  store: Pick<Store, "install" | "saveInstall" | "claimInstall" | "releaseInstall" | "shared">;
  sealer: Sealer;
  oauth: OAuth;
  app: unknown;
  context: OAuthContext;
  lost: (reason: string) => void;
};

/** An unused refresh token may expire (at Salesforce after 30 days), even while its access token is valid. */
const renewAfterMs = 25 * 86_400_000;
/** After a failure that a person has to fix, the CRM is not asked more often than this. */
const lookAgainMs = 60_000;

/**
 * The tokens of an installation: one refresh at a time. A new grant is stored before it is used, because the old refresh
 * token may no longer be valid; one that could not be stored stays in memory until it is. If the process ends between the
 * answer of a CRM that rotates tokens and our write, the account has to be connected again, and its calls wait for that.
 */
export function keepGrant(first: StoredInstall, parts: GrantParts): GrantKeeper {
  const { store, sealer, oauth, app, context, lost } = parts;
  const inTurn = createTurns(first.name, store, context.now);
  let install = first;
  /** The access token that was given out last; a caller that asks again cannot use it any more. */
  let givenOut: string | undefined;
  let unsaved: { grant: Grant; after: string } | undefined;

  const look = async (): Promise<StoredInstall | undefined> => {
    const stored = await store.install(install.name);
    install = stored ?? install;
    return stored;
  };

  const save = async (next: StoredInstall, claim: number | undefined): Promise<StoredInstall> => {
    if (!(await store.saveInstall(next, claim))) throw overtaken(next);
    install = next;
    return next;
  };

  const sealed = (grant: Grant): string => sealer.seal(JSON.stringify(grant), install.name);

  const endOf = ({ expiresAt, renewedAt = install.updatedAt }: Grant): number =>
    Math.min(expiresAt ?? Number.POSITIVE_INFINITY, renewedAt + renewAfterMs);

  const giveOut = (grant: Grant): Token => {
    const { accessToken, url } = grant;
    givenOut = accessToken;
    return { accessToken, expiresAt: endOf(grant), ...(url && { url }) };
  };

  /** The stored grant, unless it failed before: another process may have renewed it, or we were restarted. */
  const ready = (): Token | undefined => {
    if (install.state !== "active") throw waiting(install);
    const grant = openOrWait(install, sealer);
    const isGood = endOf(grant) - context.now() > lookAgainMs;
    return isGood && grant.accessToken !== givenOut ? giveOut(grant) : undefined;
  };

  const renewed = async (grant: Grant, claim: number | undefined): Promise<Grant> => {
    try {
      return { ...(await oauth.refresh(app, grant, context)), renewedAt: context.now() };
    } catch (error) {
      if (!(error instanceof GrantError)) throw error;
      if (error.failure === "revoked") {
        const { message: reason } = error;
        await save({ ...install, state: "reconnect", reason, updatedAt: context.now() }, claim);
        lost(reason);
      }
      throw new CrmError("later", `${error.message}; calls wait`, { cause: error, afterMs: lookAgainMs });
    }
  };

  const renew = async (claim: number | undefined): Promise<Token> => {
    const before = openOrWait(install, sealer);
    if (unsaved?.after !== before.accessToken)
      unsaved = { grant: await renewed(before, claim), after: before.accessToken };
    const { grant } = unsaved;
    const body = granting(install, grant);
    await save({ ...install, body, sealed: sealed(grant), updatedAt: context.now() }, claim);
    unsaved = undefined;
    return giveOut(grant);
  };

  const fetchToken = async (): Promise<Token> => {
    await look();
    const token = ready();
    if (token) return token;
    return inTurn(async (claim) => {
      await look();
      return ready() ?? renew(claim);
    });
  };

  let tokens = createTokenSource(fetchToken, context.now);
  return {
    tokens: { current: () => tokens.current(), refused: (token) => tokens.refused(token) },
    current: () => install,
    async refresh() {
      await look();
    },
    scopes: () => scopesOf(install),
    update: (change) =>
      inTurn(async (claim) => {
        await look();
        const done = await save(await change(install), claim);
        // The present token may still be valid for a while.
        if (done.state !== "active") tokens = createTokenSource(fetchToken, context.now);
        return done;
      }),
    replace: (next, grant) =>
      inTurn(async (claim) => {
        const stored = await look();
        const { reason: _, ...rest } = next;
        const kept = stored && { body: bodyWith(next, stored), version: stored.version + 1 };
        const updatedAt = context.now();
        const done = await save(
          {
            ...rest,
            ...kept,
            state: "active",
            sealed: sealed({ ...grant, renewedAt: updatedAt }),
            updatedAt,
          },
          claim,
        );
        givenOut = undefined;
        unsaved = undefined;
        tokens = createTokenSource(fetchToken, context.now);
        return done;
      }),
  };
}

export function openGrant({ name, sealed = "" }: StoredInstall, sealer: Sealer): Grant {
  return JSON.parse(sealer.open(sealed, name)) as Grant;
}

/** The tokens may be sealed with a key that this process was not started with. */
function openOrWait(install: StoredInstall, sealer: Sealer): Grant {
  try {
    return openGrant(install, sealer);
  } catch (cause) {
    if (!(cause instanceof SealError)) throw cause;
    const why = `SWITCHHOOK_KEY does not open the tokens of ${install.name}: ${cause.message}`;
    throw new CrmError("later", `${why}. Start the server with that key; the calls wait until then`, {
      cause,
      afterMs: lookAgainMs,
    });
  }
}

function bodyWith(next: StoredInstall, stored: StoredInstall): string {
  const { settings } = JSON.parse(stored.body) as InstallBody;
  return JSON.stringify({ ...(JSON.parse(next.body) as InstallBody), settings });
}

/** A renewed grant may have other scopes than the consent. */
function granting(install: StoredInstall, { scopes }: Grant): string {
  const isOther = scopes.length > 0 && scopes.join() !== scopesOf(install).join();
  return isOther ? JSON.stringify({ ...(JSON.parse(install.body) as InstallBody), scopes }) : install.body;
}

/** Of a stored installation; old ones may have none. */
function scopesOf({ body }: StoredInstall): readonly string[] {
  return (JSON.parse(body) as Partial<InstallBody>).scopes ?? [];
}

function overtaken({ name }: StoredInstall): CrmError {
  return new CrmError("later", `another process has changed ${name} meanwhile; it is tried again`, {
    afterMs: 1_000,
  });
}

function waiting({ crm, state, reason = state }: StoredInstall): CrmError {
  const cure = `Connect it again at /install/${crm}; the calls wait until then`;
  return new CrmError("later", `the ${crm} account is no longer connected (${reason}). ${cure}`, {
    afterMs: lookAgainMs,
  });
}

/** Does one piece of work at a time for an installation. `claim`: for `saveInstall`; absent while nothing is stored. */
type Turns = <T>(work: (claim: number | undefined) => Promise<T>) => Promise<T>;

type ClaimStore = Pick<Store, "install" | "claimInstall" | "releaseInstall" | "shared">;

/** Longer than any turn, so that only the claim of a killed process expires. */
const claimMs = 90_000;
const turnRetryMs = 50;
const mostLooks = 100;

/** Turns, shared with other processes on the same store. Throws `CrmError` when they take too long. */
export function createTurns(name: string, store: ClaimStore, now: () => number): Turns {
  let last: Promise<unknown> = Promise.resolve();

  const claimed = async (): Promise<number | undefined> => {
    for (let looks = 0; looks < mostLooks; looks += 1) {
      // Instances whose clocks differ would not see each other's claims.
      const at = (await store.shared?.now()) ?? now();
      if (await store.claimInstall(name, at, at + claimMs)) return at + claimMs;
      if (!(await store.install(name))) return undefined;
      await pause(turnRetryMs);
    }
    throw new CrmError("later", `another process is busy with the access of ${name}; calls wait`, {
      afterMs: 5_000,
    });
  };

  return (work) => {
    const turn = last.then(async () => {
      const claim = await claimed();
      try {
        return await work(claim);
      } finally {
        // A claim that cannot be released expires; an earlier error is more important.
        if (claim !== undefined) await store.releaseInstall(name, claim).catch(() => {});
      }
    });
    last = turn.catch(() => {});
    return turn;
  };
}
