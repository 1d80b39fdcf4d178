import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Contact, chooseContact, contactKinds, numbersOf } from "../../src/core/contact.ts";

function contact(id: string, rest: Partial<Contact> = {}): Contact {
  return { id, kind: "contact", phones: ["+31612345678"], fields: {}, ...rest };
}

describe("choosing among contacts with the same number", () => {
  test("nobody", () => {
    expect(chooseContact([])).toEqual({ reason: "no contact has this number", runnersUp: [] });
  });

  test("the only one", () => {
    const only = contact("1");
    expect(chooseContact([only])).toEqual({
      contact: only,
      reason: "the only one with this number",
      runnersUp: [],
    });
  });

  const owned = { ownerId: "7" };
  const recent = { activeAt: "2026-02-03T04:05:06.000Z" };
  const old = { activeAt: "2020-02-03T04:05:06.000Z" };
  test.each<[string, Contact, Contact]>([
    [
      "prefers contact before lead before company",
      contact("9"),
      contact("1", { kind: "lead", ...owned, ...recent }),
    ],
    [
      "prefers contact before lead before company",
      contact("9", { kind: "lead" }),
      contact("1", { kind: "company", ...owned, ...recent }),
    ],
    ["prefers a contact with an owner", contact("9", owned), contact("1", recent)],
    ["prefers the most recently active", contact("9", recent), contact("1", old)],
    ["prefers the most recently active", contact("9", old), contact("1")],
    ["prefers the lowest id", contact("2"), contact("10")],
    ["prefers the lowest id", contact("003A"), contact("003B")],
    ["prefers the lowest id", contact("900719925474099267"), contact("900719925474099268")],
    ["prefers the lowest id", contact("9007199254740993"), contact("100719925474099267")],
    ["prefers the lowest id", contact("007"), contact("7")],
  ])("%s", (reason, winner, loser) => {
    for (const candidates of [
      [winner, loser],
      [loser, winner],
    ]) {
      expect(chooseContact(candidates)).toEqual({
        contact: winner,
        reason: `2 have this number: ${reason}`,
        runnersUp: [{ id: loser.id, kind: loser.kind }],
      });
    }
  });

  test("in the order of kinds that the installation prefers, unlisted kinds last", () => {
    const candidates = [contact("1"), contact("2", { kind: "lead" }), contact("3", { kind: "company" })];
    const choice = chooseContact(candidates, ["company", "lead"]);
    expect(choice.contact?.id).toBe("3");
    expect(choice.reason).toBe("3 have this number: prefers company before lead");
    expect(choice.runnersUp.map(({ id }) => id)).toEqual(["2", "1"]);
  });

  test("names at most five runners-up, with what they are called", () => {
    const many = [7, 6, 5, 4, 3, 2, 1].map((n) => contact(String(n), { name: `Anna ${n}` }));
    const { contact: chosen, runnersUp, reason } = chooseContact(many);
    expect(chosen?.id).toBe("1");
    expect(runnersUp.map(({ name }) => name)).toEqual(["Anna 2", "Anna 3", "Anna 4", "Anna 5", "Anna 6"]);
    expect(reason).toMatch(/^7 have/);
  });

  test("the same record twice is alike", () => {
    expect(chooseContact([contact("1"), contact("1")]).reason).toBe("2 have this number: they are alike");
  });

  test("the order in which the CRM listed them makes no difference", () => {
    const id = fc.constantFrom("1", "2", "10", "1a", "9a", "007", "7", "", "-1", "003A");
    const candidate = fc
      .record(
        {
          kind: fc.constantFrom(...contactKinds),
          ownerId: fc.constant("7"),
          activeAt: fc.constantFrom("a", "b"),
        },
        { requiredKeys: ["kind"] },
      )
      .chain((rest) => id.map((one) => contact(one, rest)));
    const shuffled = fc
      .uniqueArray(candidate, { selector: (one) => one.id, minLength: 2 })
      .chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })));
    fc.assert(
      fc.property(shuffled, ([list, order]) => {
        expect(chooseContact(order)).toEqual(chooseContact(list));
      }),
      { seed: 12, numRuns: 2_000 },
    );
  });
});

test("the numbers of a contact are in E.164, each once, without what cannot be dialled", () => {
  const phones = ["06 12345678", "+31612345678", "201", "", "n/a", "+1 415 555 2671"];
  expect(numbersOf({ phones }, "NL")).toEqual(["+31612345678", "+14155552671"]);
});
