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

/** A formatter of dates and times in a time zone; undefined for an unknown zone. */
export type Clocks = (timeZone: string) => Intl.DateTimeFormat | undefined;

/** Making a formatter takes twenty times as long as using it: each is made once. */
export function createClocks(): Clocks {
  const clocks = new Map<string, Intl.DateTimeFormat>();
  return (timeZone) => {
    const known = clocks.get(timeZone);
    if (known) return known;
    try {
      const clock = new Intl.DateTimeFormat("en-US", {
        timeZone,
        calendar: "gregory",
        numberingSystem: "latn",
        hourCycle: "h23",
        year: "numeric",
        month: "2-digit",
        day: "2-digit",
        hour: "2-digit",
        minute: "2-digit",
      });
      clocks.set(timeZone, clock);
      return clock;
    } catch {
      // Intl has no other check for a time zone.
      return undefined;
    }
  };
}

/** `any`: a member of an open name, whose type is known only with the call. */
export type PathType = "string" | "number" | "boolean" | "datetime" | "date" | "any";

/** A fact that a mapping may name. */
export type Path = {
  type: PathType;
  about: string;
  /** All possible values, when the list is closed. */
  values?: readonly string[];
  get(view: View, clocks: Clocks): unknown;
};
