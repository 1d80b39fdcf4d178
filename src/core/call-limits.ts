/** The most events of a call, and the most bytes of them as JSON. */
export type EventLimits = { events: number; bytes: number };

const megabyte = 1_048_576;

export const eventLimits: EventLimits = { events: 2_000, bytes: 12 * megabyte };

/** Extra room for events that end a call, so that a call that is full of other events still ends. */
export const endLimits: EventLimits = { events: 2_100, bytes: 16 * megabyte };

export const overLimits =
  `this call has its most events (${eventLimits.events.toLocaleString("en")}, or ${eventLimits.bytes / megabyte} MB of them): ` +
  "what comes later is stored as it was received, and not decoded";

/**
 * Bytes of webhooks that are decoded in one turn, which takes some 10 ms. The one that exceeds them is decoded as well, so
 * that a large one gets its turn.
 */
export const turnBytes = 1_048_576;
