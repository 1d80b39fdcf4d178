import { describe } from "vitest";
import { testConnector } from "../contracts/connector.ts";
import { openPortal, type PortalOptions } from "./hubspot-portal.ts";

const accounts: [string, PortalOptions][] = [
  ["that takes our unique property", {}],
  ["of the next version", { apiVersion: "2026-09" }],
  ["that refuses our unique property", { callUnique: false }],
];

describe.each(accounts)("an account %s", (_name, options) => {
  testConnector("hubspot", async () => {
    const portal = await openPortal({ ...options, region: "NL" });
    const { people } = portal.crm;
    return {
      connector: portal.connector,
      fields: {
        title: "hs_call_title",
        note: "hs_call_body",
        seconds: "hs_call_duration",
        refused: { no_such_property: "x" },
      },
      contactFields: { firstname: "Unknown caller" },
      taskFields: { hs_task_subject: "Call back", hs_timestamp: "2026-11-20T10:00:00Z" },
      addContact: async ({ name = "", phones }) => {
        const [phone = "", mobilephone = ""] = phones;
        const id = people.addContact({ firstname: name, phone, mobilephone });
        return { id, kind: "contact" };
      },
      activities: async () =>
        people.calls().map(({ id, properties, associations }) => {
          const [contactId] = associations["contacts"] ?? [];
          const key = properties["switchhook_call_key"] ?? properties["hs_call_external_id"] ?? "";
          return { id, key, ...(contactId && { contactId }), fields: properties };
        }),
      edit: async (id, fields) => {
        const texts = Object.entries(fields).map(([name, value]) => [name, String(value)]);
        people.edit("calls", id, Object.fromEntries(texts));
      },
      remove: async (id) => people.archive("calls", id),
      followUps: async () => people.tasks().length,
      tearDown: portal.tearDown,
    };
  });
});
