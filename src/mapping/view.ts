import type { Agent, Call } from "../core/call.ts";
import type { Contact, Owner } from "../core/contact.ts";

/** All facts that a mapping can use. Before a call is logged (the answer to an AI agent) only some of them are known. */
export type View = {
  call: Partial<Call>;
  /** E.164. */
  customerNumber?: string;
  /** Our own links. */
  recordingUrl?: string;
  transcriptUrl?: string;
  contact?: Contact;
  owner?: Owner;
  /** The call's agents, with their names in the directory or the CRM. */
  people?: readonly Agent[];
  /** The other contacts with the customer's number. */
  sharedWith?: readonly string[];
  /** Time from the call to its follow-up. */
  followUpDueMinutes?: number;
  installation: { name: string; region: string; timeZone: string };
};

/** The time zone of the activity's owner, else of the installation. */
export function zoneOf({ owner, installation }: View): string {
  return owner?.timeZone ?? installation.timeZone;
}
