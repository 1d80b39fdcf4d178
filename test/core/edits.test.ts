import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type CallRecord,
  type Fields,
  type FieldValue,
  fieldsToWrite,
  withEmptied,
} from "../../src/core/crm.ts";

type Known = Pick<CallRecord, "fields" | "modes" | "ours">;

function record(fields: Fields, more: Partial<Known> = {}): Known {
  return { fields, modes: {}, ours: {}, ...more };
}

const names = ["title", "note", "seconds", "constructor"];
const value = fc.oneof(fc.constantFrom("a", "b", "c", "5", "true", ""), fc.constantFrom(5, 7, true, false));
const someFields = fc.dictionary(fc.constantFrom(...names), value);
const modes = fc.dictionary(
  fc.constantFrom(...names),
  fc.constantFrom("always" as const, "if-empty" as const, "once" as const),
);
const ours = fc.dictionary(fc.constantFrom(...names), fc.array(value, { maxLength: 3 }));

describe("fields of a new activity", () => {
  test("are all written, whatever their mode", () => {
    const fields = { title: "Call", note: "x", seconds: 5 };
    const once = { title: "once", note: "if-empty" } as const;
    expect(fieldsToWrite(record(fields, { modes: once }), undefined)).toEqual({ write: fields, kept: [] });
  });
});

describe("fields of an activity that is there already", () => {
  test.each<[string, Known, Fields, Fields, string[]]>([
    ["writes what is new", record({ note: "x" }), {}, { note: "x" }, []],
    [
      "writes over our own value",
      record({ note: "b" }, { ours: { note: ["a"] } }),
      { note: "a" },
      { note: "b" },
      [],
    ],
    [
      "writes over any earlier value of ours",
      record({ note: "c" }, { ours: { note: ["a", "b"] } }),
      { note: "a" },
      { note: "c" },
      [],
    ],
    [
      "keeps what a person changed",
      record({ note: "b" }, { ours: { note: ["a"] } }),
      { note: "mine" },
      {},
      ["note"],
    ],
    [
      "keeps what a person emptied",
      record({ note: "b" }, { ours: { note: ["a"] } }),
      { note: "" },
      {},
      ["note"],
    ],
    ["keeps what a person took away", record({ note: "b" }, { ours: { note: ["a"] } }), {}, {}, ["note"]],
    ["keeps what somebody else filled", record({ note: "b" }), { note: "theirs" }, {}, ["note"]],
    ["leaves an equal value in peace", record({ note: "b" }), { note: "b" }, {}, []],
    ["takes the text of a number for the number", record({ seconds: 5 }), { seconds: "5" }, {}, []],
    [
      "takes the text of our number for ours",
      record({ seconds: 7 }, { ours: { seconds: [5] } }),
      { seconds: "5" },
      { seconds: 7 },
      [],
    ],
    ["takes the text of a truth for the truth", record({ note: true }), { note: "true" }, {}, []],
    [
      "never writes once twice",
      record({ note: "b" }, { modes: { note: "once" }, ours: { note: ["a"] } }),
      { note: "a" },
      {},
      [],
    ],
    ["does not add once later", record({ note: "b" }, { modes: { note: "once" } }), {}, {}, []],
    [
      "fills an empty field",
      record({ note: "b" }, { modes: { note: "if-empty" } }),
      { note: "" },
      { note: "b" },
      [],
    ],
    [
      "does not fill a full one",
      record({ note: "b" }, { modes: { note: "if-empty" }, ours: { note: ["a"] } }),
      { note: "a" },
      {},
      [],
    ],
    [
      "does not fill what a person emptied",
      record({ note: "b" }, { modes: { note: "if-empty" }, ours: { note: ["a"] } }),
      {},
      {},
      ["note"],
    ],
    ["is not fooled by names of prototypes", record({ constructor: "b" }), {}, { constructor: "b" }, []],
  ])("%s", (_name, known, current, write, kept) => {
    expect(fieldsToWrite(known, current)).toEqual({ write, kept });
  });

  test("never touches a value that is not ours, nor a field it was not asked to write", () => {
    fc.assert(
      fc.property(someFields, modes, ours, someFields, (fields, modes, ours, current) => {
        const { write, kept } = fieldsToWrite({ fields, modes, ours }, current);
        const result: Fields = { ...current, ...write };
        for (const [name, now] of Object.entries(current)) {
          const before = Object.hasOwn(ours, name) ? (ours[name] ?? []).map(String) : [];
          if (now !== "" && !before.includes(String(now))) expect(result[name]).toBe(now);
        }
        for (const name of [...Object.keys(write), ...kept]) expect(Object.hasOwn(fields, name)).toBe(true);
        expect(kept.filter((name) => Object.hasOwn(write, name))).toEqual([]);
      }),
    );
  });

  test("has nothing left to write when it is asked again", () => {
    fc.assert(
      fc.property(someFields, modes, ours, someFields, (fields, modes, ours, current) => {
        const first = fieldsToWrite({ fields, modes, ours }, current);
        const ours2: Record<string, FieldValue[]> = { ...ours };
        for (const [name, value] of Object.entries(first.write))
          ours2[name] = [...(Object.hasOwn(ours, name) ? (ours[name] ?? []) : []), value];
        const again = fieldsToWrite({ fields, modes, ours: ours2 }, { ...current, ...first.write });
        expect(again).toEqual({ write: {}, kept: first.kept });
      }),
    );
  });

  test("follows every later value as long as nobody else wrote", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("a", "b", "c", 5, true), { minLength: 1 }), (values) => {
        let current: Fields | undefined;
        const written: (string | number | boolean)[] = [];
        for (const note of values) {
          const { write, kept } = fieldsToWrite(record({ note }, { ours: { note: written } }), current);
          expect(kept).toEqual([]);
          current = { ...current, ...write };
          if (write["note"] !== undefined) written.push(write["note"]);
          expect(String(current["note"])).toBe(String(note));
        }
      }),
    );
  });
});

describe("a field that has no value any more", () => {
  const modes = { note: "always", seconds: "always", first: "once", gap: "if-empty" } as const;

  test("is emptied when we filled it, follows the call and stands in the mapping", () => {
    const ours = { note: ["a"], first: ["x"], gap: ["x"], removed: ["x"], seconds: [""], constructor: ["x"] };
    expect(withEmptied({ fields: { title: "t" }, modes, ours })).toEqual({ title: "t", note: "" });
    expect(withEmptied({ fields: { note: "b" }, modes, ours })).toEqual({ note: "b" });
  });

  test.each<[string, Fields, Fields, string[]]>([
    ["is written empty over our value", { note: "a" }, { note: "" }, []],
    ["stays as a person left it", { note: "mine" }, {}, ["note"]],
    ["is left when a person emptied it", {}, {}, []],
  ])("%s", (_name, current, write, kept) => {
    const known = { fields: {}, modes, ours: { note: ["a"] } };
    expect(fieldsToWrite({ ...known, fields: withEmptied(known) }, current)).toEqual({ write, kept });
  });
});
