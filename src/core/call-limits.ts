/** How many events are kept with a call, and how many bytes of them as JSON. */
export type EventLimits = { events: number; bytes: number };

const megabyte = 1_048_576;

export const eventLimits: EventLimits = { events: 2_000, bytes: 12 * megabyte };

/** Room that only events which end a call may use, so that one that is full of other events still ends. */
export const endLimits: EventLimits = { events: 2_100, bytes: 16 * megabyte };

export const overLimits =
  `this call has its most events (${eventLimits.events.toLocaleString("en")}, or ${eventLimits.bytes / megabyte} MB of them): ` +
  "what comes later is kept as it was received, and not read";
