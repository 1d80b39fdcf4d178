import type { Emulator } from "@switchhook/emulators/contract";
import { type HubspotEmulator, type HubspotOptions, startHubspot } from "@switchhook/emulators/hubspot";
import {
  type SalesforceEmulator,
  type SalesforceOptions,
  startSalesforce,
} from "@switchhook/emulators/salesforce";

/** A call on the timeline, as a rep sees it. `all`: every field, as JSON. */
export type LoggedCall = {
  id: string;
  key: string;
  title: string;
  contactId?: string;
  ownerId?: string;
  seconds: number;
  all: string;
};

/** An emulated CRM with what people do in it. `settings`: an installation's `crm`. */
export type CrmWorld = {
  emulator: Emulator;
  settings: Record<string, unknown>;
  addOwner(email: string): string;
  addContact(contact: { name: string; phone: string; mobile?: string; ownerId?: string }): string;
  calls(): LoggedCall[];
  followUps(): number;
  openFollowUps(): number;
  contacts(): number;
  retitle(callId: string, title: string): void;
  remove(callId: string): void;
  removeContact(id: string): void;
  /** What the default mapping tells an AI agent of a contact's lifecycle. */
  lifecycle: string;
  /** What the CRM answers while it is away. */
  fail(times?: number): () => void;
  /** Refuses as a CRM does whose limit is used up, for a moment. */
  storm(times: number): void;
};

export type WorldName = keyof typeof worlds;

type Clock = () => number;

/** `now`: the CRM's clock, which is the same as ours. */
export const worlds = {
  HubSpot: (now: Clock) => hubspotWorld({ now }),
  "HubSpot without our property": (now: Clock) => hubspotWorld({ now, callUnique: false }),
  Salesforce: (now: Clock) => salesforceWorld({ now }),
  "Salesforce without our package": (now: Clock) => salesforceWorld({ now, withPackage: false }),
};
export const worldNames = Object.keys(worlds) as WorldName[];

export async function hubspotWorld(options: HubspotOptions): Promise<CrmWorld & { portal: HubspotEmulator }> {
  const emulator = await startHubspot({ region: "NL", limits: false, ...options });
  const { people } = emulator;
  return {
    emulator,
    portal: emulator,
    settings: { type: "hubspot", token: emulator.token, apiUrl: emulator.url },
    addOwner: (email) => people.addOwner({ email, firstName: email.split("@")[0] ?? "", lastName: "Owner" }),
    addContact: ({ name, phone, mobile = "", ownerId }) =>
      people.addContact({
        firstname: name,
        phone,
        mobilephone: mobile,
        lifecyclestage: "customer",
        ...(ownerId && { hubspot_owner_id: ownerId }),
      }),
    lifecycle: "customer",
    removeContact: (id) => people.archive("contacts", id),
    calls: () =>
      people.calls().map(({ id, properties, associations }) => {
        const [contactId] = associations["contacts"] ?? [];
        const ownerId = properties["hubspot_owner_id"];
        const key = properties["switchhook_call_key"] ?? `acme:voys:${properties["hs_call_external_id"]}`;
        const title = properties["hs_call_title"] ?? "";
        const all = JSON.stringify(properties);
        const seconds = Number(properties["hs_call_duration"] ?? 0) / 1_000;
        return { id, key, title, seconds, all, ...(contactId && { contactId }), ...(ownerId && { ownerId }) };
      }),
    followUps: () => people.tasks().length,
    openFollowUps: () =>
      people.tasks().filter(({ properties }) => properties["hs_task_status"] !== "COMPLETED").length,
    contacts: () => people.contacts().length,
    retitle: (id, title) => people.edit("calls", id, { hs_call_title: title }),
    remove: (id) => people.archive("calls", id),
    fail: (times) =>
      emulator.faults.add({ type: "status", status: 503, text: "<h1>Sorry</h1>", ...(times && { times }) }),
    storm: (times) =>
      emulator.faults.add({ type: "429", policy: "TEN_SECONDLY_ROLLING", retryAfter: 0.05, times }),
  };
}

export async function salesforceWorld(
  options: SalesforceOptions,
): Promise<CrmWorld & { org: SalesforceEmulator }> {
  const client = { clientId: "client", clientSecret: "secret" };
  const emulator = await startSalesforce({ ...client, ...options });
  const { people } = emulator;
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  const calls = () => people.tasks().filter(({ TaskSubtype }) => TaskSubtype === "Call");
  return {
    emulator,
    org: emulator,
    settings: { type: "salesforce", loginUrl: emulator.url, ...client },
    addOwner: (email) => people.addUser({ Email: email, LastName: email.split("@")[0] ?? "" }),
    addContact: ({ name, phone, mobile = null, ownerId }) =>
      people.addContact({
        LastName: name,
        Phone: phone,
        MobilePhone: mobile,
        ...(ownerId && { OwnerId: ownerId }),
      }),
    calls: () =>
      calls().map((task) => {
        const contactId = text(task["WhoId"]);
        const ownerId = text(task["OwnerId"]);
        const key = text(task["Call_Key__c"]) || text(task["CallObject"]);
        return {
          id: text(task["Id"]),
          key,
          title: text(task["Subject"]),
          seconds: Number(task["CallDurationInSeconds"] ?? 0),
          all: JSON.stringify(task),
          ...(contactId && { contactId }),
          ...(ownerId && { ownerId }),
        };
      }),
    followUps: () => people.tasks().length - calls().length,
    openFollowUps: () => people.tasks().filter(({ IsClosed }) => IsClosed !== true).length,
    contacts: () => 0,
    retitle: (id, title) => people.edit("Task", id, { Subject: title }),
    remove: (id) => people.remove("Task", id),
    removeContact: (id) => people.remove("Contact", id),
    lifecycle: "contact",
    fail: (times) =>
      emulator.faults.add({ type: "status", status: 503, text: "<h1>Sorry</h1>", ...(times && { times }) }),
    storm: (times) => emulator.faults.add({ type: "lock", times }),
  };
}
