import { describe, expect, test } from "vitest";
import { callRecord, openPortal, type Portal, readyPortal } from "./hubspot-portal.ts";

const contact = { id: "1000001", kind: "contact" } as const;
const refusals = ({ requests }: Portal) => requests.filter(({ status }) => status === 429);

describe("the account's limits", () => {
  test("are never passed by many look-ups and writes at once, also right after the start", async () => {
    const portal = await openPortal({
      contacts: 1_000,
      limits: { general: 110, perMs: 10_000, search: 5, searchPerMs: 1_000 },
    });
    try {
      const lookups = Array.from({ length: 30 }, (_, i) =>
        portal.connector.findContacts(
          Array.from({ length: 10 }, (_, j) => `+31612${String(i * 10 + j).padStart(6, "0")}`),
        ),
      );
      const writes = Array.from({ length: 60 }, (_, i) =>
        portal.connector.saveCalls([callRecord(String(i), { contact })]),
      );
      const found = await Promise.all(lookups);
      const saved = (await Promise.all(writes)).flat();
      expect(found.every(({ size }) => size > 0)).toBe(true);
      expect(saved.every((result) => "saved" in result)).toBe(true);
      expect(refusals(portal)).toEqual([]);
      expect(portal.crm.requests.length).toBeGreaterThan(150);
    } finally {
      await portal.tearDown();
    }
  });

  test("are what the headers say, when that is less than we thought", async () => {
    const portal = await readyPortal({
      limits: { general: 20, perMs: 1_000, search: 5, searchPerMs: 1_000 },
      contacts: 10,
    });
    const writes = Array.from({ length: 20 }, (_, i) =>
      portal.connector.saveCalls([callRecord(String(i), { contact })]),
    );
    const saved = (await Promise.all(writes)).flat();
    expect(saved.every((result) => "saved" in result)).toBe(true);
    expect(refusals(portal)).toEqual([]);
  });

  test("leave room for others who use the same account", async () => {
    const portal = await readyPortal({ contacts: 10 });
    const headers = {
      "x-hubspot-ratelimit-max": "110",
      "x-hubspot-ratelimit-remaining": "0",
      "x-hubspot-ratelimit-interval-milliseconds": "600",
    };
    const body = { results: [] };
    portal.crm.faults.add({ type: "status", status: 200, body, headers, match: "owners", times: 1 });
    await portal.connector.owners?.();
    portal.asked();
    const saving = portal.connector.saveCalls([callRecord("1")]);
    await new Promise(setImmediate);
    expect(portal.asked()).toEqual([]);
    expect(await saving).toMatchObject([{ created: true }]);
  });
});

describe("a caller who waits for an answer", () => {
  test("goes before all look-ups that wait", async () => {
    const portal = await readyPortal({ contacts: 1_000 });
    const order: string[] = [];
    const lookups = Array.from({ length: 12 }, (_, i) =>
      portal.connector.findContacts([`+316120000${10 + i}`]).then(() => order.push("others")),
    );
    await expect.poll(() => portal.asked().length).toBeGreaterThan(0);
    const answer = await portal.connector.findContacts(["+31612000099"], undefined, true);
    order.push("answer");
    await Promise.all(lookups);
    expect(answer.size).toBe(1);
    expect(order.indexOf("answer")).toBeLessThanOrEqual(5);
    expect(refusals(portal)).toEqual([]);
  });
});
