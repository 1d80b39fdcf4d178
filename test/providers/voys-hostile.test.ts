import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CallEvent } from "../../src/core/call.ts";
import { Rejected } from "../../src/core/errors.ts";
import { voys } from "../../src/providers/voys/index.ts";
import { decode, delivery, ringing } from "./voys-notification.ts";

describe("what cannot be one of theirs", () => {
  test.each([
    [{ call_id: null }, /call_id/],
    [{ call_id: " " }, /call_id/],
    [{ call_id: ["a"] }, /call_id/],
    [{ call_id: "a".repeat(129) }, /128/],
    [{ call_id: "a\u0000b" }, /control/],
    [{ status: null }, /status/],
    [{ status: {} }, /status/],
  ])("%j is refused with 400", (changes, message) => {
    const hostile = delivery({ ...ringing, ...changes });
    for (const look of [voys.read, voys.decode]) {
      expect(() => look(hostile)).toThrow(expect.objectContaining({ status: 400 }));
      expect(() => look(hostile)).toThrow(message);
    }
  });

  test("another version is read all the same, an unknown status only named", () => {
    expect(decode({ version: "v3" })).toEqual(decode({}));
    const parked = delivery({ ...ringing, status: "parked" });
    expect(voys.read(parked)).toEqual({ kind: "parked" });
    expect(voys.decode(parked)).toEqual([]);
  });

  test("whatever is in the fields, it gives clean facts or a refusal", () => {
    const names = [
      "call_id",
      "merged_id",
      "timestamp",
      "status",
      "reason",
      "direction",
      "caller",
      "destination",
    ];
    const statuses = fc.constantFrom(
      "ringing",
      "in-progress",
      "ended",
      "warm-transfer",
      "transfer",
      "__proto__",
    );
    const person = fc.dictionary(
      fc.constantFrom("number", "name", "account_number", "user_emails"),
      fc.jsonValue(),
    );
    const destination = fc.record({ number: fc.jsonValue(), target: fc.oneof(person, fc.jsonValue()) });
    const body = fc.record({ status: statuses, redirector: person, destination }, { requiredKeys: [] });
    const junk = fc.dictionary(fc.constantFrom(...names, "__proto__", "toString"), fc.jsonValue());
    fc.assert(
      fc.property(junk, body, (changes, shaped) => {
        const decoded = attempt(() => voys.decode(delivery({ ...ringing, ...changes, ...shaped })));
        expect(
          valuesIn(decoded).filter((value) => value === null || value === undefined || value === ""),
        ).toEqual([]);
      }),
      { seed: 4, numRuns: 500 },
    );
  });

  test("control characters, broken UTF-16 and endless names do not get through", () => {
    const name = `a\u0000b\ud800${"c".repeat(5_000)}`;
    const customer = decode({ caller: { number: "+31612345678", name } }).facts.customer;
    expect(customer?.name).toMatch(/^a b\ufffdc{196}$/);
  });
});

function attempt(decoding: () => CallEvent[]): CallEvent[] {
  try {
    return decoding();
  } catch (error) {
    expect(error).toBeInstanceOf(Rejected);
    return [];
  }
}

function valuesIn(value: unknown): unknown[] {
  return value && typeof value === "object" ? Object.values(value).flatMap(valuesIn) : [value];
}
