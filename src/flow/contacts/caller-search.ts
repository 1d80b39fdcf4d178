import type { Contact } from "../../core/contact.ts";
import type { CallerSearch, Flow, Installation } from "../installation.ts";
import { indexContacts } from "./index-contacts.ts";

/** Two, so that one slow answer does not hold up all callers who come after it. */
const urgentAtOnce = 2;
/** Searches that hang hold up nobody once their own callers are gone; of a CRM that always hangs no more are asked. */
const mostAtOnce = 8;
/** Numbers that wait for a search; more callers than that get the default agent. */
const mostWaiting = 5_000;

/** A number that is being looked for. `ringing`: how many callers still hear the ringing tone. */
type Search = {
  number: string;
  ringing: number;
  found: Promise<Contact[]>;
  settle: (found: Contact[]) => void;
  fail: (error: unknown) => void;
};

type SentBatch = { isUrgent: boolean; batch: readonly Search[] };

/**
 * Looks up callers whom the index does not know while they ring. What waits while a search is under way goes together
 * in the next one; one number is asked for once, however many wait for it. A caller whose time is up is looked up all
 * the same, after those who still ring, so that the next call and the activity know.
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
    void askCrm(flow, installation, numbers, { urgent: isUrgent })
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
    const somebodyRings = [...waiting.values()].some(isRinging);
    if (somebodyRings) {
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
        return await unlessEnded(search.found, ended);
      } finally {
        ended.removeEventListener("abort", hangUp);
      }
    },
    underWay: (number) => running.get(number)?.found,
  };
}

function open(number: string): Search {
  const { promise: found, resolve: settle, reject: fail } = Promise.withResolvers<Contact[]>();
  // All who wait for it hear of a failure; when none does any more, it is no crash.
  found.catch(() => {});
  return { number, ringing: 0, found, settle, fail };
}

function unlessEnded<T>(promise: Promise<T>, ended: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (ended.aborted) return reject(ended.reason);
    const leave = () => reject(ended.reason);
    ended.addEventListener("abort", leave, { once: true });
    void promise.then(resolve, reject).finally(() => ended.removeEventListener("abort", leave));
  });
}

/** Asks the CRM and puts what it said into the index. */
export async function askCrm(
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
