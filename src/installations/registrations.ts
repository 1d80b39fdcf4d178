import type { CrmRecordings } from "../core/crm-recordings.ts";
import { messageOf } from "../core/errors.ts";
import { GrantError, type OAuthContext, type TokenSource } from "../core/oauth.ts";

/** A CRM whose own player asks our app for recordings. */
export type RecordingCrm = { label: string; app: unknown; recordings: CrmRecordings };

/** `address`: where a CRM asks, a secret. `accounts`: those that are connected now. `everyMs`: between two tries. */
export type RegistrationOptions = {
  crms: ReadonlyMap<string, RecordingCrm>;
  address: (crm: string) => Promise<string>;
  accounts: (crm: string) => readonly TokenSource[];
  context: OAuthContext;
  warn: (facts: object, sentence: string) => void;
  everyMs?: number;
};

/**
 * Tells each CRM once per start where its player finds recordings. `look` tries again where it failed; what may pass is
 * tried again by itself. The links that lie in the CRM play all the same, so no trouble here stops anything.
 */
export function registerRecordings({ everyMs = 600_000, ...options }: RegistrationOptions) {
  const ending = new AbortController();
  const told = new Set<string>();
  const said = new Set<string>();
  const turns = new Map<string, Promise<void>>();
  const timers = new Map<string, NodeJS.Timeout>();

  const tell = async (crm: string, { app, recordings }: RecordingCrm): Promise<void> => {
    const { address, accounts, context } = options;
    const asking = { ...context, accounts: accounts(crm), signal: ending.signal };
    await recordings.register(app, await address(crm), asking);
    told.add(crm);
  };

  const fail = (crm: string, { label }: RecordingCrm, error: unknown): void => {
    const isLasting = error instanceof GrantError && error.failure === "config";
    if (!isLasting) timers.set(crm, setTimeout(look, everyMs, crm));
    const kind = `${crm} ${isLasting}`;
    if (said.has(kind)) return;
    said.add(kind);
    const until = isLasting ? "until the next account is connected, or the next start" : "for now";
    options.warn(
      { crm, reason: messageOf(error), ...(!(error instanceof GrantError) && { err: error }) },
      `${label} is not told where recordings are: ${until}, its own player may not have them; their links play`,
    );
  };

  /** One after another: an account that is connected meanwhile is looked at, too. */
  function look(crm: string): void {
    const known = options.crms.get(crm);
    if (!known || ending.signal.aborted) return;
    clearTimeout(timers.get(crm));
    const turn = (turns.get(crm) ?? Promise.resolve()).then(async () => {
      if (told.has(crm) || ending.signal.aborted) return;
      clearTimeout(timers.get(crm));
      await tell(crm, known).catch((error: unknown) => {
        if (!ending.signal.aborted) fail(crm, known, error);
      });
    });
    turns.set(crm, turn);
  }

  return {
    /** Tells this CRM, unless it was told before. */
    look,
    start: (): void => options.crms.forEach((_, crm) => void look(crm)),
    stop(): void {
      ending.abort();
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
}
