import { Rejected } from "../core/errors.ts";

/** What a chunk costs besides its bytes: a stranger may send one byte at a time. */
const chunkOverhead = 256;

/** A body under way, since a time in ms. `refuse` hears that its room is needed for others. */
type Tenant = { bytes: number; since: number; isProved: boolean; refuse: (reason: Rejected) => void };

/** The room that one body takes. */
type Seat = {
  /** Throws `Rejected(503)` when there is no room for another chunk of this length, in bytes. */
  grow(bytes: number): void;
  /** The body is complete: its room is not taken for others any more. */
  settle(): void;
  /** The request is answered: its room is free. */
  leave(): void;
};

/** Room for the bodies of all requests at once. */
export type BodyRoom = { enter(isProved: boolean, refuse: Tenant["refuse"]): Seat };

/**
 * A budget in bytes for the bodies that are being read or worked on. When it runs out, a body that is not complete
 * gives way: one whose sender is not proved yet before one that is, and of these the one that has held most bytes for
 * the longest time. So strangers who send large bodies slowly hold up each other, and a webhook that is small or fast
 * gets through.
 */
export function createBodyRoom(limit: number): BodyRoom {
  const growing = new Set<Tenant>();
  let used = 0;

  const evict = (tenant: Tenant): void => {
    growing.delete(tenant);
    used -= tenant.bytes;
    tenant.bytes = 0;
    tenant.refuse(
      new Rejected(503, "too many large bodies are under way: send this one again", { retryAfterSeconds: 5 }),
    );
  };

  return {
    enter(isProved, refuse) {
      const tenant: Tenant = { bytes: 0, since: performance.now(), isProved, refuse };
      growing.add(tenant);
      return {
        grow(bytes) {
          if (!growing.has(tenant)) return;
          tenant.bytes += bytes + chunkOverhead;
          used += bytes + chunkOverhead;
          while (used > limit && growing.has(tenant)) evict(firstToGive(growing) ?? tenant);
        },
        settle: () => void growing.delete(tenant),
        leave() {
          growing.delete(tenant);
          used -= tenant.bytes;
          tenant.bytes = 0;
        },
      };
    },
  };
}

function firstToGive(tenants: Iterable<Tenant>): Tenant | undefined {
  const now = performance.now();
  const held = ({ bytes, since }: Tenant) => bytes * (now - since + 1);
  let first: Tenant | undefined;
  for (const tenant of tenants) {
    const isBefore = first?.isProved === tenant.isProved ? held(tenant) > held(first) : !tenant.isProved;
    if (!first || isBefore) first = tenant;
  }
  return first;
}
