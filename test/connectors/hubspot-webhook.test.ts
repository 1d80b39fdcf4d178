import { signV3 } from "@switchhook/emulators/hubspot";
import { describe, expect, test } from "vitest";
import { webhook } from "../../connectors/hubspot/webhook.ts";

const now = Date.parse("2026-11-20T10:00:00Z");
const url = "https://hooks.example.com/webhooks/hubspot?a=%2Fb%20c";
const secret = "our-app-secret";
const app = { clientSecret: secret } as Parameters<typeof webhook.verify>[0];

/** The request of HubSpot, and what it says that it signed. */
function verify(change: { body?: string; secret?: string; timestamp?: number; url?: string } = {}, at = now) {
  const signed = { method: "POST", url, body: "[ ]", secret, timestamp: now, ...change };
  const headers = {
    "x-hubspot-signature-v3": signV3(signed),
    "x-hubspot-request-timestamp": String(signed.timestamp),
  };
  webhook.verify(app, { method: "POST", url, headers }, at)(Buffer.from(change.body ?? "[ ]"));
}

describe("a webhook of HubSpot", () => {
  test("is taken when it is signed over the very bytes and the public URL", () => {
    expect(() => verify()).not.toThrow();
    expect(() => verify({ body: '[{"propertyValue":"Zoë"}]' })).not.toThrow();
  });

  test("is refused with another secret, URL or body, and without a signature", () => {
    expect(() => verify({ secret: "another" })).toThrow(/check the client secret/);
    expect(() => verify({ url: "http://localhost/webhooks/hubspot" })).toThrow(/publicUrl/);
    const headers = { "x-hubspot-signature-v3": "x", "x-hubspot-request-timestamp": String(now) };
    const head = { method: "POST", url };
    expect(() => webhook.verify(app, { ...head, headers }, now)(Buffer.from("[]"))).toThrow(/wrong/);
    expect(() => webhook.verify(app, { ...head, headers: {} }, now)).toThrow(/missing/);
  });

  test.each([-300_001, 300_001])("is refused %i ms from now, however well it is signed", (ms) => {
    expect(() => verify({}, now + ms)).toThrow(/clock/);
    expect(() => verify({}, now + Math.sign(ms) * 300_000)).not.toThrow();
  });
});

describe("the events in it", () => {
  const read = (...events: unknown[]) => webhook.read(Buffer.from(JSON.stringify(events)));
  const ref = (id: string) => ({ id, kind: "contact" });

  test("are sorted by account and by what has to be done, each contact once", () => {
    const of = (portalId: number | string, subscriptionType: string, objectId: unknown) => ({
      ...{ portalId, subscriptionType, objectId, objectTypeId: "0-1" },
    });
    expect(
      read(
        of(1, "object.creation", 10),
        of(1, "object.propertyChange", 10),
        of("1", "contact.propertyChange", "11"),
        of(1, "object.deletion", 12),
        of(2, "contact.privacyDeletion", 13),
      ),
    ).toEqual([
      { account: "1", changed: ["10", "11"], removed: [ref("12")], erased: [] },
      { account: "2", changed: [], removed: [], erased: [ref("13")] },
    ]);
  });

  test("of a merge remove the losers and read the survivor again, under a new id too", () => {
    const merge = { portalId: 1, subscriptionType: "object.merge", objectId: 5, primaryObjectId: 5 };
    expect(read({ ...merge, mergedObjectIds: [6, 7] })).toEqual([
      { account: "1", changed: ["5"], removed: [ref("6"), ref("7")], erased: [] },
    ]);
    expect(read({ ...merge, mergedObjectIds: [5, 6], newObjectId: 9 })).toEqual([
      { account: "1", changed: ["5", "9"], removed: [ref("6")], erased: [] },
    ]);
  });

  test("of other objects, of no account, and of no id ask for nothing", () => {
    const [company] = read({
      portalId: 1,
      subscriptionType: "object.creation",
      objectId: 1,
      objectTypeId: "0-2",
    });
    expect(company).toEqual({ account: "1", changed: [], removed: [], erased: [] });
    expect(read({ subscriptionType: "object.creation", objectId: 1 }, null, 7, "x")).toEqual([]);
    const strange = { portalId: 1, subscriptionType: "object.creation", objectId: "1 OR 1=1" };
    expect(read(strange)[0]?.changed).toEqual([]);
  });

  test.each(["", "{", "{}", '"x"', "null"])("are refused as %j", (text) => {
    expect(() => webhook.read(Buffer.from(text))).toThrow(/not JSON|not a list/);
  });
});
