import type { ContactRef } from "./contact.ts";

/** A CRM's webhook for one app of ours: every account that installed it. `url`: the whole one, as the CRM calls it. `headers`: lower-case names. */
export type CrmWebhookRequest = {
  method: string;
  url: string;
  headers: Readonly<Record<string, unknown>>;
  body: Uint8Array;
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
  /** Throws `Rejected(401)` unless the CRM sent it within the last minutes. */
  verify(app: A, request: CrmWebhookRequest, now: number): void;
  /** Throws `Rejected(400)`. */
  read(body: Uint8Array): ContactEvents[];
};
