import { setTimeout as pause } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import type { Contact } from "../../src/core/contact.ts";
import type { Connector } from "../../src/core/crm.ts";
import { CrmError } from "../../src/core/errors.ts";
import { createCallerSearch } from "../../src/flow/contacts/caller-search.ts";
import type { Flow, Installation } from "../../src/flow/installation.ts";

const numberOf = (n: number): string => `+3161234${String(n).padStart(4, "0")}`;
const contactOf = (number: string): Contact => ({
  id: number.slice(1),
  kind: "contact",
  phones: [number],
  fields: {},
});

/** A CRM that answers when it is told to, and an index that takes everything. */
function world({ lookupSize = 80 } = {}) {
  const asked: { numbers: readonly string[]; urgent: boolean; answer: (error?: Error) => Promise<void> }[] =
    [];
  const findContacts: Connector["findContacts"] = (numbers, _signal, urgent = false) =>
    new Promise((resolve, reject) => {
      const answer = async (error?: Error): Promise<void> => {
        if (error) reject(error);
        else resolve(new Map(numbers.map((number) => [number, [contactOf(number)]])));
        await pause(5);
      };
      asked.push({ numbers, urgent, answer });
    });
  const store = { putContacts: async () => 0 };
  const flow = { store, now: Date.now } as unknown as Flow;
  const connector = { findContacts, lookupSize };
  const installation = { settings: { name: "acme", region: "NL" }, connector } as unknown as Installation;
  const search = createCallerSearch();
  const find = (n: number, ended = new AbortController().signal) =>
    search.find(flow, installation, numberOf(n), ended).then((found) => found[0]?.id);
  return { asked, find, search };
}

test("a single caller is looked up at once", async () => {
  const { asked, find } = world();
  const found = find(1);
  expect(asked).toMatchObject([{ numbers: [numberOf(1)], urgent: true }]);
  await asked[0]?.answer();
  expect(await found).toBe(numberOf(1).slice(1));
});

test("one number is asked for once, however many wait for it", async () => {
  const { asked, find } = world();
  const found = Array.from({ length: 20 }, () => find(1));
  expect(asked).toHaveLength(1);
  await asked[0]?.answer();
  expect(new Set(await Promise.all(found))).toEqual(new Set([numberOf(1).slice(1)]));
});

test("callers who wait while searches are under way share the next one, as many as it takes", async () => {
  const { asked, find } = world({ lookupSize: 10 });
  const found = Array.from({ length: 25 }, (_, n) => find(n));
  expect(asked.map(({ numbers }) => numbers.length)).toEqual([1, 1]);
  await asked[0]?.answer();
  await asked[1]?.answer();
  expect(asked.map(({ numbers }) => numbers.length)).toEqual([1, 1, 10, 10]);
  await asked[2]?.answer();
  await asked[3]?.answer();
  expect(asked.at(-1)?.numbers).toHaveLength(3);
  await asked[4]?.answer();
  expect(new Set(await Promise.all(found)).size).toBe(25);
});

test("a caller whose time is up is looked up all the same, after those who still ring", async () => {
  const { asked, find, search } = world({ lookupSize: 1 });
  const time = new AbortController();
  const first = [find(1), find(2)];
  const late = find(3, time.signal);
  const ringing = find(4);
  time.abort(new Error("time is up"));
  await expect(late).rejects.toThrow("time is up");
  // Whoever logs a call does not wait behind all who ring.
  expect(search.underWay(numberOf(3))).toBeUndefined();
  await asked[0]?.answer();
  expect(asked[2]).toMatchObject({ numbers: [numberOf(4)], urgent: true });
  await asked[2]?.answer();
  await vi.waitFor(() => expect(asked[3]).toMatchObject({ numbers: [numberOf(3)], urgent: false }));
  const known = search.underWay(numberOf(3));
  await asked[3]?.answer();
  await asked[1]?.answer();
  expect(await known).toMatchObject([{ id: numberOf(3).slice(1) }]);
  await Promise.all([...first, ringing]);
});

test("searches that hang hold up nobody once their callers are gone, and do not pile up", async () => {
  const { asked, find } = world();
  const ring = async (n: number): Promise<void> => {
    const time = new AbortController();
    const found = find(n, time.signal);
    time.abort(new Error("time is up"));
    await expect(found).rejects.toThrow("time is up");
  };
  await ring(1);
  await ring(2);
  const found = find(3);
  expect(asked[2]).toMatchObject({ numbers: [numberOf(3)], urgent: true });
  await asked[2]?.answer();
  expect(await found).toBe(numberOf(3).slice(1));
  for (let n = 4; n < 40; n += 1) await ring(n);
  expect(asked).toHaveLength(10);
});

test("a search that fails says so to all who wait for it, and the next one goes", async () => {
  const { asked, find } = world();
  const first = [find(1), find(1), find(2)];
  const refused = Promise.allSettled(first);
  await asked[0]?.answer(new CrmError("later", "HubSpot cannot be reached"));
  await asked[1]?.answer();
  expect((await refused).map(({ status }) => status)).toEqual(["rejected", "rejected", "fulfilled"]);
  const again = find(1);
  await asked[2]?.answer();
  expect(await again).toBe(numberOf(1).slice(1));
});
