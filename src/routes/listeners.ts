import { Rejected } from "../core/errors.ts";

export type ListenerLimits = {
  /** Connections in total. */
  listeners: number;
  /** Connections for one recording. */
  perLink: number;
  /** A client with this many gets none of the last quarter. */
  perClient: number;
  /** A connection stalled for this long may be closed for another listener. */
  stalledMs: number;
};

export type Listener = {
  link: number;
  /** Undefined for an address that may be a proxy. */
  client: string | undefined;
  /** Closes the connection. */
  end: () => void;
};

/** `stalls`, `goesOn`: the listener stops reading, and reads again. */
export type ListenerPlace = { stalls(): void; goesOn(): void; leave(): void };

type Taken = Listener & { stalledAt?: number };

/**
 * The places for listeners of recordings. When none is free for a new listener, a stalled connection is closed: of the
 * link or client with the most places, the one stalled for the longest. A connection that is being read is never
 * closed.
 */
export function createListeners({ listeners, perLink, perClient, stalledMs }: ListenerLimits) {
  const places = new Set<Taken>();

  const freeOneOf = (crowd: readonly Taken[]): boolean => {
    const idlest = idlestOf(crowd, performance.now() - stalledMs);
    if (!idlest) return false;
    places.delete(idlest);
    idlest.end();
    return true;
  };

  const makeRoom = ({ link, client }: Listener): void => {
    const ofLink = [...places].filter((one) => one.link === link);
    if (ofLink.length >= perLink && !freeOneOf(ofLink))
      throw new Rejected(
        429,
        `${perLink} listeners are playing this recording already: try again in a while`,
      );
    const ofClient = [...places].filter((one) => client !== undefined && one.client === client);
    if (places.size >= listeners * 0.75 && ofClient.length >= perClient && !freeOneOf(ofClient))
      throw new Rejected(
        429,
        `your address is playing ${ofClient.length} recordings, and few more can play: try again in a while`,
      );
    if (places.size >= listeners && !freeOneOf([...places]))
      throw new Rejected(503, `${listeners} recordings are playing already: try again in a while`);
  };

  return {
    /** Throws `Rejected` with 429 or 503 when no place is free and no connection can be closed. */
    take(listener: Listener): ListenerPlace {
      makeRoom(listener);
      const taken: Taken = { ...listener };
      places.add(taken);
      return {
        stalls: () => {
          taken.stalledAt = performance.now();
        },
        goesOn: () => {
          delete taken.stalledAt;
        },
        leave: () => void places.delete(taken),
      };
    },
  };
}

/** The connections stalled since before `before`: first the link or client with the most places, then the longest. */
function idlestOf(crowd: readonly Taken[], before: number): Taken | undefined {
  const sizes = new Map<string | number, number>();
  const count = (group: string | number) => sizes.set(group, (sizes.get(group) ?? 0) + 1);
  for (const { link, client } of crowd) {
    count(link);
    if (client !== undefined) count(client);
  }
  const most = ({ link, client = "" }: Taken) => Math.max(sizes.get(link) ?? 0, sizes.get(client) ?? 0);
  const [idlest] = crowd
    .filter(({ stalledAt = Number.POSITIVE_INFINITY }) => stalledAt <= before)
    .sort((a, b) => most(b) - most(a) || (a.stalledAt ?? 0) - (b.stalledAt ?? 0));
  return idlest;
}
