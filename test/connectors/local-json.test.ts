import fc from "fast-check";
import { expect, test } from "vitest";
import { type JsonCursor, skipSpace, skipValue } from "../../connectors/local/json.ts";
import { renderRecord, withMembers } from "../../connectors/local/record.ts";

function accepts(text: string): boolean {
  const cursor: JsonCursor = { bytes: Buffer.from(text), at: 0 };
  try {
    skipSpace(cursor);
    skipValue(cursor);
    skipSpace(cursor);
    return cursor.at === cursor.bytes.length;
  } catch {
    return false;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const someJson = fc.json({ stringUnit: "binary", maxDepth: 5 }).filter((text) => text.isWellFormed());

test("takes exactly what JSON.parse takes", () => {
  const characters = fc.constantFrom(...'{}[]",:\\u0012eE+-.tfn \n\t\u0000é');
  fc.assert(
    fc.property(
      someJson,
      fc.nat(),
      fc.nat({ max: 2 }),
      fc.string({ unit: characters, maxLength: 3 }),
      (json, at, cut, put) => {
        const place = at % (json.length + 1);
        const text = json.slice(0, place) + put + json.slice(place + cut);
        if (text.isWellFormed()) expect(accepts(text)).toBe(isJson(text));
      },
    ),
    { numRuns: 3_000 },
  );
});

const members = fc.dictionary(
  fc.constantFrom("id", "name", "note", "constructor", 'odd "name"\n'),
  fc.oneof(fc.string({ unit: "binary" }), fc.integer(), fc.boolean()),
);

test("changes the members it is asked to change, and no other byte", () => {
  const record = fc.dictionary(fc.constantFrom("id", "name", "other"), fc.jsonValue({ maxDepth: 2 }));
  fc.assert(
    fc.property(record, members, fc.constantFrom(0, 1, 4), (before, change, indent) => {
      const text = JSON.stringify(before, null, indent);
      // JSON has no -0.
      const wanted = JSON.parse(JSON.stringify({ ...before, ...change }));
      expect(JSON.parse(withMembers(Buffer.from(text), change))).toEqual(wanted);
      expect(withMembers(Buffer.from(text), {})).toBe(Object.keys(before).length > 0 ? text : "{}");
    }),
  );
});

test("writes a record on one line that reads the same", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (record) => {
      const line = renderRecord(record);
      expect(line).not.toContain("\n");
      expect(JSON.parse(line)).toEqual(JSON.parse(JSON.stringify(record)));
    }),
  );
  expect(renderRecord({ id: "1", phones: ["a", "b"] })).toBe('{ "id": "1", "phones": [ "a", "b" ] }');
});
