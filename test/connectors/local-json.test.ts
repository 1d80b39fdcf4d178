import fc from "fast-check";
import { expect, test } from "vitest";
import { JsonFault, parseExactly, parseText, renderRecord } from "../../connectors/local/records.ts";

function faultIn(text: string): string | undefined {
  try {
    parseText(text);
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(JsonFault);
    return (error as Error).message;
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

test("takes exactly what JSON.parse takes, and names the place of what it does not take", () => {
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
        const fault = faultIn(text);
        expect(fault === undefined).toBe(isJson(text));
        if (fault !== undefined) expect(fault).toMatch(/^line \d/);
      },
    ),
    { numRuns: 3_000 },
  );
});

test("a number with more digits than JavaScript holds is written as it was read", () => {
  const text =
    '{"big":12345678901234567890.10,"other":[1.50,12345678901234567890],"name":"x 1234567890123456"}';
  expect(JSON.stringify(parseExactly(text))).toBe(text);
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
