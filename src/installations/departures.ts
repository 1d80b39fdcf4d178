import { GrantError, type OAuthContext } from "../core/crm-app.ts";
import { messageOf } from "../core/errors.ts";
import type { Store, StoredInstall } from "../store/contract.ts";
import type { InstallableCrm, InstallBody } from "./installer.ts";

/** `left`: called for each account that uninstalled us, perhaps more than once. `everyMs`: between two polls. */
export type DepartureOptions = {
  crms: ReadonlyMap<string, InstallableCrm>;
  store: Pick<Store, "syncState" | "saveSyncState">;
  context: OAuthContext;
  left: (crm: string, account: { id: string; at: number }) => Promise<void>;
  warn: (facts: object, sentence: string) => void;
  everyMs?: number;
};

/**
 * Polls each CRM that reports uninstalls, now and every few minutes. An uninstall that is missed is noticed when the
 * account's tokens are renewed, so a failure here stops nothing.
 */
export function watchDepartures({ everyMs = 300_000, ...options }: DepartureOptions): { stop(): void } {
  const ending = new AbortController();
  const context = { ...options.context, signal: ending.signal };
  const timers = new Map<string, NodeJS.Timeout>();

  const look = async (
    crm: string,
    installable: InstallableCrm,
    warned: ReadonlySet<string>,
  ): Promise<void> => {
    const trouble = await read(crm, installable, { ...options, context }).then(() => undefined, troubleOf);
    if (ending.signal.aborted) return;
    if (trouble && !warned.has(trouble.kind)) warn(crm, installable, trouble);
    if (trouble?.isLasting) return;
    const known = trouble ? new Set([...warned, trouble.kind]) : new Set<string>();
    timers.set(
      crm,
      setTimeout(() => void look(crm, installable, known), everyMs),
    );
  };

  const warn = (crm: string, { label }: InstallableCrm, { error, isLasting }: Trouble): void => {
    const until = isLasting ? "until the next start" : "until it works again";
    const sentence = `${label} does not report who uninstalls us; ${until} it is noticed when tokens are renewed`;
    options.warn(
      { crm, reason: messageOf(error), ...(!(error instanceof GrantError) && { err: error }) },
      sentence,
    );
  };

  for (const [crm, installable] of options.crms)
    if (installable.oauth.uninstalls) void look(crm, installable, new Set());

  return {
    stop() {
      ending.abort();
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
}

/**
 * An installation after its account has uninstalled us at `at`: without tokens, which are no longer valid. One that was
 * connected again since, or has left before, is returned unchanged.
 */
export function departed(install: StoredInstall, at: number, reason: string, now: number): StoredInstall {
  const { sealed, ...rest } = install;
  const isBack = install.state === "active" && connectedAt(install) >= at;
  if (isBack || sealed === undefined) return install;
  return { ...rest, state: "reconnect", reason, updatedAt: now };
}

/** Changed settings and renewed tokens are no consent. */
function connectedAt({ body, updatedAt }: StoredInstall): number {
  const { connectedAt } = JSON.parse(body) as Partial<InstallBody>;
  return connectedAt === undefined ? updatedAt : Date.parse(connectedAt);
}

type DepartureContext = Pick<DepartureOptions, "store" | "left"> & {
  context: OAuthContext & { signal: AbortSignal };
};

/** The cursor moves once everything before it is done: a crash repeats events and loses none. */
async function read(crm: string, { oauth, app }: InstallableCrm, parts: DepartureContext): Promise<void> {
  const { store, left, context } = parts;
  const name = `app:${crm}`;
  const state = await store.syncState(name);
  let { cursor } = state;
  for (let more = true; more && !context.signal.aborted; ) {
    const found = await oauth.uninstalls?.(app, cursor, context);
    if (!found || context.signal.aborted) return;
    for (const account of found.accounts) await left(crm, account);
    if (found.cursor !== undefined && found.cursor !== cursor)
      await store.saveSyncState(name, { ...state, cursor: found.cursor });
    ({ cursor, more } = found);
  }
}

type Trouble = { kind: string; isLasting: boolean; error: unknown };

/** An app without the right to poll is set up wrongly; a retry does not help. */
function troubleOf(error: unknown): Trouble {
  const kind = error instanceof GrantError ? error.failure : "bug";
  return { kind, isLasting: kind === "config", error };
}
