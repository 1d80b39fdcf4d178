import type { Call } from "../core/call.ts";
import type { Contact, Owner } from "../core/contact.ts";

/**
 * All that a mapping can speak of. Before a call has been logged (the answer to an AI agent) only a part of it is known.
 * `customerNumber`: E.164. `recordingUrl`, `transcriptUrl`: our own links. `agent`: who of the directory talked last with the customer.
 */
export type View = {
  call: Partial<Call>;
  customerNumber?: string;
  recordingUrl?: string;
  transcriptUrl?: string;
  contact?: Contact;
  owner?: Owner;
  agent?: { name?: string; email?: string };
  installation: { name: string; region: string; timeZone: string };
};

/** The time zone that whoever reads the activity lives by. */
export function zoneOf({ owner, installation }: View): string {
  return owner?.timeZone ?? installation.timeZone;
}
