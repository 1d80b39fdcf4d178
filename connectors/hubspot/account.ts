import type { ContactRef } from "../../src/core/contact.ts";
import type { CallRecord, ConnectContext, Fields, FollowUp, SaveResult } from "../../src/core/contracts.ts";
import type { CrmError } from "../../src/core/errors.ts";
import type { LookBack } from "./look-back.ts";
import type { Callers } from "./people.ts";
import type { Player } from "./player.ts";
import type { Stored } from "./rows.ts";
import type { Portal } from "./schema.ts";
import type { Transport } from "./transport.ts";
import type { Properties } from "./values.ts";

/** What saving calls needs. `warn`: says each sentence once. */
export type SaveTools = {
  transport: Transport;
  portal: Portal;
  callers: Callers;
  player: Player;
  lookBack: LookBack;
  /** Where our unique property is refused, only one batch at a time can see what the one before has made. */
  inTurn: <T>(work: () => Promise<T>) => Promise<T>;
  contactsInTurn: <T>(work: () => Promise<T>) => Promise<T>;
  context: ConnectContext;
  warn: (sentence: string) => void;
  /** Whether this account can play a recording behind a URL. */
  takesLink: (url: string) => boolean;
};

/** One call on its way. `current`: what HubSpot has of it. `saved`: what it has after the write. */
export type Work = {
  record: CallRecord;
  current?: Stored;
  contact?: ContactRef;
  saved?: Stored;
  created: boolean;
  wrote: Fields;
  stored: Fields;
  kept: string[];
  /** What it is logged without, and why. */
  without: string[];
  task?: FollowUp;
  result?: SaveResult;
};

/** Objects that a mapping may associate calls with, besides the contact. */
export const associates = ["company", "deal", "ticket"] as const;

/** `keyed`: the account has our unique property on calls. */
export type CallSchema = { keyed: boolean; known: Properties };

export function failed({ record: { key } }: Work, error: CrmError): SaveResult {
  return { key, failed: error };
}

/** The only property that HubSpot demands of a call; some calls have no time at all. */
export function undated({ current, wrote }: Work, now: number): void {
  if (!current && !("hs_timestamp" in wrote)) wrote["hs_timestamp"] = new Date(now).toISOString();
}
