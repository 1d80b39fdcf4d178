import { Rejected } from "../core/errors.ts";

/** The overhead of a chunk in bytes: a client may send one byte at a time. */
const chunkOverhead = 256;

/** A body that is being read or worked on. */
type Tenant = {
  bytes: number;
  /** In milliseconds, monotonic. */
  since: number;
  isProved: boolean;
  /** Called when its room is needed for others. */
  refuse: (reason: Rejected) => void;
};

/** The room of one body. */
type Seat = {
  /** Refuses incomplete bodies, perhaps this one, until there is room for another chunk of this length, in bytes. */
  grow(bytes: number): void;
  /** The body is complete: its room can no longer be reclaimed. */
  settle(): void;
  /** The request is answered: releases its room. */
  leave(): void;
};

/** Room for the bodies of all requests at once. */
export type BodyRoom = {
  enter(request: object, isProved: boolean, refuse: Tenant["refuse"]): Seat;
  /** Refuses an incomplete body; false when this request has none. */
  refuse(request: object, reason: Rejected): boolean;
  /** Whether a body of an authenticated sender is incomplete. */
  isProved(request: object): boolean;
};

/**
 * A budget in bytes for all bodies that are being read or worked on. When it is used up, an incomplete body is refused:
 * an unauthenticated one before an authenticated one, then the one with the most bytes times age. Unauthenticated
 * clients that send large bodies slowly therefore block only each other, and small or fast webhooks get through.
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
