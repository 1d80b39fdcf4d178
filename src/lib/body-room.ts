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
export type BodyRoom = {
  enter(request: object, isProved: boolean, refuse: Tenant["refuse"]): Seat;
  /** Refuses a body that is not complete; false when this request has none. */
  refuse(request: object, reason: Rejected): boolean;
  /** Whether a body is under way whose sender is proved. */
  isProved(request: object): boolean;
};

/**
 * A budget in bytes for the bodies that are being read or worked on. When it runs out, a body that is not complete
 * gives way: one whose sender is not proved yet before one that is, and of these the one that has held most bytes for
 * the longest time. So strangers who send large bodies slowly hold up each other, and a webhook that is small or fast
 * gets through.
 */
export function createBodyRoom(limit: number): BodyRoom {
  const growing = new Map<object, Tenant>();
  let used = 0;

  const evict = (request: object, tenant: Tenant, reason: Rejected): void => {
    growing.delete(request);
    used -= tenant.bytes;
    tenant.bytes = 0;
    tenant.refuse(reason);
  };

  const makeRoom = (): void => {
    const [request, tenant] = firstToGive(growing) ?? [];
    if (!request || !tenant) return;
    const why = "too many large bodies are under way (limits.bodiesBytes): send this one again";
    evict(request, tenant, new Rejected(503, why, { retryAfterSeconds: 5 }));
  };

  return {
    enter(request, isProved, refuse) {
      const tenant: Tenant = { bytes: 0, since: performance.now(), isProved, refuse };
      growing.set(request, tenant);
      return {
        grow(bytes) {
          if (!growing.has(request)) return;
          tenant.bytes += bytes + chunkOverhead;
          used += bytes + chunkOverhead;
          while (used > limit && growing.has(request)) makeRoom();
        },
        settle: () => void growing.delete(request),
        leave() {
          growing.delete(request);
          used -= tenant.bytes;
          tenant.bytes = 0;
        },
      };
    },
    refuse(request, reason) {
      const tenant = growing.get(request);
      if (tenant) evict(request, tenant, reason);
      return tenant !== undefined;
    },
    isProved: (request) => growing.get(request)?.isProved === true,
  };
}

function firstToGive(tenants: ReadonlyMap<object, Tenant>): [object, Tenant] | undefined {
  const now = performance.now();
  const held = ({ bytes, since }: Tenant) => bytes * (now - since + 1);
  let first: [object, Tenant] | undefined;
  for (const [request, tenant] of tenants) {
    const before = first?.[1];
    const isFirst = before?.isProved === tenant.isProved ? held(tenant) > held(before) : !tenant.isProved;
    if (!before || isFirst) first = [request, tenant];
  }
  return first;
}
