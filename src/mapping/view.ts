import type { Agent, Call } from "../core/call.ts";
import type { Contact, Owner } from "../core/contact.ts";

/**
 * All that a mapping can speak of. Before a call has been logged (the answer to an AI agent) only a part of it is known.
 * `customerNumber`: E.164. `recordingUrl`, `transcriptUrl`: our own links. `people`: the call's agents under the names
 * that the directory or the CRM has for them. `sharedWith`: the other contacts with the customer's number.
 * `followUpDueMinutes`: how long after the call a follow-up is due.
 */
export type View = {
  call: Partial<Call>;
  customerNumber?: string;
  recordingUrl?: string;
  transcriptUrl?: string;
  contact?: Contact;
  owner?: Owner;
  people?: readonly Agent[];
  sharedWith?: readonly string[];
  followUpDueMinutes?: number;
  installation: { name: string; region: string; timeZone: string };
};

/** The time zone of the activity's owner, else of the installation. */
export function zoneOf({ owner, installation }: View): string {
  return owner?.timeZone ?? installation.timeZone;
}
