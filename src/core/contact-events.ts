import type { ContactRef } from "./contact.ts";
import type { BodyCheck } from "./delivery.ts";

/**
 * A CRM's request to one app of ours, before its body: it is about every account that installed the app. `url`: the whole
 * one, as the CRM calls it. `headers`: lower-case names.
 */
export type CrmRequestHead = {
  method: string;
  url: string;
  headers: Readonly<Record<string, unknown>>;
};

/**
 * What happened to the contacts of one account, the CRM's own id of it. `changed`: ids to read again, in no order and
 * perhaps gone meanwhile. `erased`: their people asked for it.
 */
export type ContactEvents = {
  account: string;
  changed: string[];
  removed: ContactRef[];
  erased: ContactRef[];
};

/** How a CRM tells of contacts. `A`: our app's settings at that CRM. */
export type CrmWebhook<A = unknown> = {
  /** Throws `Rejected(401)` unless the head has a signature of the last minutes; returns the check of the body. */
  verify(app: A, head: CrmRequestHead, now: number): BodyCheck;
  /** Throws `Rejected(400)`. */
  read(body: Uint8Array): ContactEvents[];
};
