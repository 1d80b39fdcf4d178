import { Rejected } from "../core/errors.ts";

/**
 * `listeners`: places in all. `perLink`: for one recording. `perClient`: a client with so many gets none of the last
 * quarter. `stalledMs`: a connection that has been blocked for so long may lose its place.
 */
export type ListenerLimits = { listeners: number; perLink: number; perClient: number; stalledMs: number };

/** `client`: undefined for an address that may be a proxy's. `end`: closes the connection. */
export type Listener = { link: number; client: string | undefined; end: () => void };

/** `stalls`, `goesOn`: the connection is blocked because the listener does not read, and it is not any more. */
export type ListenerPlace = { stalls(): void; goesOn(): void; leave(): void };

type Taken = Listener & { stalledAt?: number };

/**
 * The places for listeners of recordings. When all that a new listener may have are taken, one whose connection is
 * blocked is closed to make room: of the link or client with the most places, the one blocked for the longest. A
 * connection that is read from is never closed.
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
    /** Throws `Rejected` with 429 or 503 when there is no place, and none can be made. */
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

/** Of those that have been blocked since before `before`: the link or client with the most places first, then the longest. */
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
