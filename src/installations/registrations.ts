import { type CrmRecordings, GrantError, type OAuthContext, type TokenSource } from "../core/crm-app.ts";
import { messageOf } from "../core/errors.ts";

/** A CRM whose own player gets recordings from our app. */
export type RecordingCrm = { label: string; app: unknown; recordings: CrmRecordings };

/** `address`: where a CRM requests recordings, a secret. `accounts`: the connected ones. `everyMs`: between two attempts. */
export type RegistrationOptions = {
  crms: ReadonlyMap<string, RecordingCrm>;
  address: (crm: string) => Promise<string>;
  accounts: (crm: string) => readonly TokenSource[];
  context: OAuthContext;
  warn: (facts: object, sentence: string) => void;
  everyMs?: number;
};

/**
 * Registers at each CRM, once per start, where its player gets recordings. `look` retries after a failure; a temporary one
 * is retried automatically. The links in the CRM play without it, so a failure here stops nothing.
 */
export function registerRecordings({ everyMs = 600_000, ...options }: RegistrationOptions) {
  let ending = new AbortController();
  const registered = new Set<string>();
  const warned = new Set<string>();
  const turns = new Map<string, Promise<void>>();
  const timers = new Map<string, NodeJS.Timeout>();

  const register = async (
    crm: string,
    { app, recordings }: RecordingCrm,
    signal: AbortSignal,
  ): Promise<void> => {
    const { address, accounts, context } = options;
    const registering = { ...context, accounts: accounts(crm), signal };
    await recordings.register(app, await address(crm), registering);
    registered.add(crm);
  };

  const fail = (crm: string, { label }: RecordingCrm, error: unknown): void => {
    const isLasting = error instanceof GrantError && error.failure === "config";
    if (!isLasting) timers.set(crm, setTimeout(look, everyMs, crm));
    const kind = `${crm} ${isLasting}`;
    if (warned.has(kind)) return;
    warned.add(kind);
    const until = isLasting ? "until the next account is connected, or the next start" : "for now";
    options.warn(
      { crm, reason: messageOf(error), ...(!(error instanceof GrantError) && { err: error }) },
      `${label} does not know where recordings are: ${until}, its own player may not have them; their links play`,
    );
  };

  /** One after another, so that an account that is connected meanwhile is included. */
  function look(crm: string): void {
    const known = options.crms.get(crm);
    const { signal } = ending;
    if (!known || signal.aborted) return;
    clearTimeout(timers.get(crm));
    const turn = (turns.get(crm) ?? Promise.resolve()).then(async () => {
      if (registered.has(crm) || signal.aborted) return;
      clearTimeout(timers.get(crm));
      await register(crm, known, signal).catch((error: unknown) => {
        if (!signal.aborted) fail(crm, known, error);
      });
    });
    turns.set(crm, turn);
  }

  return {
    /** Registers at this CRM, unless that was done before. */
    look,
    /** Also again after a stop: an instance may become the leader more than once. */
    start(): void {
      if (ending.signal.aborted) ending = new AbortController();
      for (const crm of options.crms.keys()) look(crm);
    },
    stop(): void {
      ending.abort();
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
}
