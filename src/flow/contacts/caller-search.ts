import type { Contact } from "../../core/contact.ts";
import { unlessAborted } from "../../lib/pace.ts";
import type { CallerSearch, Flow, Installation } from "../installation.ts";
import { indexContacts } from "./index-contacts.ts";

/** Two, so that one slow answer does not delay all later callers. */
const urgentAtOnce = 2;
/** Searches whose callers have hung up do not count for the limit above, but for this one, so that a hanging CRM gets no more. */
const mostAtOnce = 8;
/** Numbers that wait for a search; beyond that, callers get the default agent. */
const mostWaiting = 5_000;

/** A number that is being looked up. */
type Search = {
  number: string;
  /** How many callers still hear the ringing tone. */
  ringing: number;
  found: Promise<Contact[]>;
  settle: (found: Contact[]) => void;
  fail: (error: unknown) => void;
};

type SentBatch = { isUrgent: boolean; batch: readonly Search[] };

/**
 * Looks up callers who are not in the index while they ring. Numbers that arrive while a search is under way are sent
 * together in the next one, each once. A caller whose deadline has passed is still looked up, after those who still ring,
 * for the next call and the activity.
 */
export function createCallerSearch(): CallerSearch {
  const waiting = new Map<string, Search>();
  const running = new Map<string, Search>();
  const sent = new Set<SentBatch>();
  const isRinging = ({ ringing }: Search): boolean => ringing > 0;

  const send = (flow: Flow, installation: Installation, isUrgent: boolean): void => {
    const { lookupSize = mostWaiting } = installation.connector;
    const inTurn = [...waiting.values()].sort((a, b) => Number(isRinging(b)) - Number(isRinging(a)));
    const batch = inTurn.slice(0, lookupSize);
    for (const search of batch) {
      waiting.delete(search.number);
      running.set(search.number, search);
    }
    const numbers = batch.map(({ number }) => number);
    const request: SentBatch = { isUrgent, batch };
    sent.add(request);
    void searchCrm(flow, installation, numbers, { urgent: isUrgent })
      .then(
        (found) => {
          for (const { number, settle } of batch) settle(found.get(number) ?? []);
        },
        (error: unknown) => {
          for (const { fail } of batch) fail(error);
        },
      )
      .finally(() => {
        for (const number of numbers) running.delete(number);
        sent.delete(request);
        pump(flow, installation);
      });
  };

  const pump = (flow: Flow, installation: Installation): void => {
    const under = [...sent];
    const urgent = under.filter(({ isUrgent, batch }) => isUrgent && batch.some(isRinging));
    const hasRinging = [...waiting.values()].some(isRinging);
    if (hasRinging) {
      if (urgent.length < urgentAtOnce && sent.size < mostAtOnce) send(flow, installation, true);
    } else if (waiting.size > 0 && under.every(({ isUrgent }) => isUrgent)) send(flow, installation, false);
  };

  return {
    async find(flow, installation, number, ended) {
      const known = running.get(number) ?? waiting.get(number);
      if (!known && waiting.size >= mostWaiting) throw new Error("too many callers wait to be looked up");
      const search = known ?? open(number);
      if (!known) waiting.set(number, search);
      search.ringing += 1;
      const hangUp = () => {
        search.ringing -= 1;
        pump(flow, installation);
      };
      ended.addEventListener("abort", hangUp, { once: true });
      pump(flow, installation);
      try {
        return await unlessAborted(search.found, ended);
      } finally {
        ended.removeEventListener("abort", hangUp);
      }
    },
    underWay: (number) => running.get(number)?.found,
  };
}

function open(number: string): Search {
  const { promise: found, resolve: settle, reject: fail } = Promise.withResolvers<Contact[]>();
  // Callers handle a failure themselves; one that none of them awaits must not be an unhandled rejection.
  found.catch(() => {});
  return { number, ringing: 0, found, settle, fail };
}

/** Looks numbers up in the CRM and indexes what it finds. */
export async function searchCrm(
  flow: Flow,
  installation: Installation,
  numbers: readonly string[],
  { signal, urgent = false }: { signal?: AbortSignal | undefined; urgent?: boolean },
): Promise<Map<string, Contact[]>> {
  const found = await installation.connector.findContacts(numbers, signal, urgent);
  const contacts = [
    ...new Map(
      [...found.values()].flat().map((contact) => [`${contact.kind} ${contact.id}`, contact]),
    ).values(),
  ];
  await indexContacts(flow, installation, contacts);
  return found;
}
