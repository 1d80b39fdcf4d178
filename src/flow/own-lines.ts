import type { CallEvent } from "../core/call.ts";
import { lineTold, type OwnNumbers, ownNumbers, undecidedEnds } from "../core/customer.ts";
import { identityOf } from "../core/phone.ts";
import type { Decoding, Flow } from "./installation.ts";

/** A company with more lines than this is not decided by lines that we learn. */
const mostLines = 10_000;

/**
 * The installation's own numbers at a provider, those included that new events are the first to tell of. `fresh`: these.
 * `affected`: the ids of earlier calls that they may put right.
 */
export type OwnLines = { own: OwnNumbers; fresh: ReadonlySet<string>; affected: string[] };

export async function ownLines(
  { store }: Pick<Flow, "store">,
  { settings }: Pick<Decoding, "settings">,
  provider: string,
  events: readonly CallEvent[],
): Promise<OwnLines> {
  const known = await store.lines(settings.name, provider);
  const told = new Set(events.flatMap((event) => identityOf(lineTold(event), settings.region) ?? []));
  const fresh = known.length >= mostLines ? [] : [...told].filter((line) => !known.includes(line));
  const affected = fresh.length > 0 ? await store.callsBetween(settings.name, provider, fresh) : [];
  return { own: ownNumbers(settings, provider, [...known, ...fresh]), fresh: new Set(fresh), affected };
}

/** What is kept with a call so that a line which becomes known later finds it, and the lines that its new events tell of. */
export function linesAndEnds(
  { fresh }: OwnLines,
  region: string,
  events: readonly CallEvent[],
  added: readonly CallEvent[],
): { ends?: string[]; lines?: string[] } {
  const dialable = (numbers: readonly string[]) => [
    ...new Set(numbers.flatMap((number) => identityOf(number, region) ?? [])),
  ];
  const ends = dialable(events.flatMap(undecidedEnds));
  const lines = dialable(added.flatMap((event) => lineTold(event) ?? [])).filter((line) => fresh.has(line));
  return { ...(ends.length > 0 && { ends }), ...(lines.length > 0 && { lines }) };
}
