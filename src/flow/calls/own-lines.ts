import type { CallEvent } from "../../core/call.ts";
import { type OwnNumbers, ownNumbers, reportedLine, undecidedEnds } from "../../core/customer.ts";
import { identityOf } from "../../core/phone.ts";
import type { Decoding } from "../../core/runtime.ts";
import type { LearnedLine } from "../../store/contract.ts";
import type { Flow } from "../installation.ts";

/** With more lines than this, no further ones are learned. */
const mostLines = 10_000;

/** The installation's own numbers at a provider, with those that new events are the first to show. */
export type OwnLines = {
  own: OwnNumbers;
  /** The new ones, each with the calls that are still to be folded again for it. */
  fresh: ReadonlyMap<string, LearnedLine>;
  /** The ids of the newest calls that the new ones may change. */
  affected: string[];
};

export async function ownLines(
  { store }: Pick<Flow, "store">,
  { settings }: Pick<Decoding, "settings">,
  provider: string,
  events: readonly CallEvent[],
): Promise<OwnLines> {
  const known = await store.lines(settings.name, provider);
  const reported = new Set(events.flatMap((event) => identityOf(reportedLine(event), settings.region) ?? []));
  const fresh = known.length >= mostLines ? [] : [...reported].filter((line) => !known.includes(line));
  const learned = new Map<string, LearnedLine>();
  const affected = new Set<string>();
  for (const number of fresh) {
    const { callIds, openBefore } = await store.callsBetween(settings.name, provider, number);
    for (const callId of callIds) affected.add(callId);
    learned.set(number, { number, ...(openBefore !== undefined && { openBefore }) });
  }
  const own = ownNumbers(settings, provider, [...known, ...fresh]);
  return { own, fresh: learned, affected: [...affected] };
}

/** The undecided ends of a call, by which a line that becomes known later finds it, and the lines that its new events show. */
export function linesAndEnds(
  { fresh }: OwnLines,
  region: string,
  events: readonly CallEvent[],
  added: readonly CallEvent[],
): { ends?: string[]; lines?: LearnedLine[] } {
  const dialable = (numbers: readonly string[]) => [
    ...new Set(numbers.flatMap((number) => identityOf(number, region) ?? [])),
  ];
  const ends = dialable(events.flatMap(undecidedEnds));
  const reported = dialable(added.flatMap((event) => reportedLine(event) ?? []));
  const lines = reported.flatMap((number) => fresh.get(number) ?? []);
  return { ...(ends.length > 0 && { ends }), ...(lines.length > 0 && { lines }) };
}
