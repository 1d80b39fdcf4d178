import type { FoldedCall } from "./call.ts";
import type { Delivery } from "./delivery.ts";

/** When calls were made: ISO, UTC; `until` is not in it. */
export type Span = { since: string; until: string };

/** `known`: what is known of these calls, by their ids; so that a provider is not asked for more than is missing. */
export type PollContext = {
  installation: string;
  now: () => number;
  signal?: AbortSignal | undefined;
  known?: (callIds: readonly string[]) => Promise<ReadonlyMap<string, FoldedCall>>;
};

/**
 * How a provider is asked for what its webhooks did not tell. Each answer about one call is a delivery that the
 * provider's `read` and `decode` understand: method `ASK` (`askedMethod`), `url` the path at its API, the body as the API wrote that
 * one call. Their events only fill what webhooks left open. All but `lacks` throw `ProviderError`.
 */
export type Polling<S = unknown> = {
  /** What has to be set before the provider can be asked, as a sentence for the administrator; undefined when nothing has. */
  lacks(settings: S): string | undefined;
  /** How far back the API can tell, in days. */
  historyDays: number;
  /** All calls of a span, one page after another, the earliest pages first where the API can. */
  calls(settings: S, span: Span, context: PollContext): AsyncIterable<Delivery[]>;
  /** At most this many calls are asked for at once by `callsAgain`. */
  callsAtOnce: number;
  /** These calls as the API knows them now, with their recordings; a call that it does not know is left out. */
  callsAgain(settings: S, calls: readonly FoldedCall[], context: PollContext): Promise<Delivery[]>;
};

/** The method of a delivery that is an answer to us: no webhook has it. */
export const askedMethod = "ASK";
