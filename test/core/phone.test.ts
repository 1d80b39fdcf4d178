import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isRegion, isWithheld, maskNumber, toE164, whyNotANumber } from "../../src/core/phone.ts";

describe("a number that can be looked up", () => {
  test.each([
    ["E.164 as it is", "+31612345678", "IN", "+31612345678"],
    ["with blanks around it", "  +31612345678\n", "IN", "+31612345678"],
    ["as a tel: link", "tel:+31612345678", "IN", "+31612345678"],
    ["national in India", "09876543210", "IN", "+919876543210"],
    ["national in India without the zero", "9876543210", "IN", "+919876543210"],
    ["national in the Netherlands", "0507654399", "NL", "+31507654399"],
    ["national in the United States", "(415) 555-2671", "US", "+14155552671"],
    ["with 00 in front", "0031612345678", "IN", "+31612345678"],
    ["with 00 in front, formatted", "00 31 (6) 1234-5678", "US", "+31612345678"],
    ["with the American 011 in front", "011919876543210", "US", "+919876543210"],
    ["without its plus, at home", "919876543210", "IN", "+919876543210"],
    ["without its plus, abroad", "919876543210", "NL", "+919876543210"],
    ["without its plus, abroad and as long as a home number could be", "31612345678", "IN", "+31612345678"],
    ["toll-free in India, though it could be American", "18001234567", "IN", "+9118001234567"],
    ["of a possible length in a range not known yet", "1112223333", "US", "+11112223333"],
    ["formatted", "+1 (415) 555-2671", "IN", "+14155552671"],
    ["formatted with dots", "06.12.34.56.78", "NL", "+31612345678"],
    ["with the trunk zero in brackets", "+31 (0)6 12345678", "IN", "+31612345678"],
    ["with no-break spaces", "+31\u00a06\u00a012345678", "IN", "+31612345678"],
    ["pasted with direction marks", "\u202a+31 6 12345678\u202c", "IN", "+31612345678"],
  ])("%s", (_words, raw, region, number) => {
    expect(toE164(raw, region)).toBe(number);
  });
});

describe("a number that nobody can be looked up by", () => {
  test.each([
    [undefined, "the provider sent no number"],
    ["", "the provider sent no number"],
    ["anonymous", "the caller withheld the number"],
    ["Anonymous", "the caller withheld the number"],
    ["null", "the caller withheld the number"],
    ["withheld", "the caller withheld the number"],
    [" unknown ", "the caller withheld the number"],
    ["sip:bram17b95f7f", "a SIP address, not a phone number"],
    ["sip:204@pbx.example.com", "a SIP address, not a phone number"],
    ["+266696687", "the caller withheld the number"],
    ["-1", "the caller withheld the number"],
    ["201", "an extension or short code"],
    ["112", "an extension or short code"],
    ["567678", "an extension or short code"],
    ["0XXXXXX4890", "not a phone number that can be dialled"],
    ["+31xxxxxxxxxx", "not a phone number that can be dialled"],
    ["*9712345", "not a phone number that can be dialled"],
    ["0000000000", "not a phone number that can be dialled"],
    ["+316123456789012345", "not a phone number that can be dialled"],
    ["98765XXXXX", "not a phone number that can be dialled"],
    ["agent_0612345678", "not a phone number that can be dialled"],
  ])("%j: %s", (raw, why) => {
    for (const region of ["IN", "NL", "US"]) expect(toE164(raw, region)).toBeUndefined();
    expect(whyNotANumber(raw, "NL")).toBe(why);
  });

  test("a national number without a region that exists", () => {
    for (const region of ["", "XX", "__proto__", "constructor", "nl"]) {
      expect(toE164("0612345678", region)).toBeUndefined();
      expect(isRegion(region)).toBe(false);
    }
    expect(isRegion("NL")).toBe(true);
  });

  test("a million characters", () => {
    for (const filling of ["1", " ", "+", "\u202a", "(", "1 "]) {
      expect(toE164(filling.repeat(500_000), "NL")).toBeUndefined();
      expect(toE164(`x${filling.repeat(500_000)}x`, "NL")).toBeUndefined();
    }
  });
});

test("a number in E.164 stays as it is, in any region, and anything else is no number", () => {
  const characters = fc.constantFrom(..."0123456789+ ()-./x".split(""), "00", "31", "91", "+1");
  const numbers = fc.oneof(
    fc.string(),
    fc.array(characters, { maxLength: 20 }).map((parts) => parts.join("")),
  );
  const region = fc.constantFrom("IN", "NL", "US", "IT", "DE", "XX");
  fc.assert(
    fc.property(numbers, region, region, (raw, here, there) => {
      const number = toE164(raw, here);
      if (number === undefined) return;
      expect(number).toMatch(/^\+[1-9]\d{6,14}$/);
      expect(toE164(number, here)).toBe(number);
      expect(toE164(number, there)).toBe(number);
    }),
    { seed: 31, numRuns: 5_000 },
  );
});

test("a masked number shows its beginning and end only", () => {
  expect(maskNumber("+31612345678")).toBe("+31***78");
  expect(maskNumber("201")).toBe("***");
  expect(maskNumber(undefined)).toBeUndefined();
});

test.each([
  ...["anonymous", "Anonymous", "Restricted", "Private Number", "unavailable", "No Caller ID", "-1", "-2"],
  ...["Unbekannt", "Numéro masqué", "número oculto", "Onbekend", "Okänt nummer", "非通知", "Неизвестный"],
  ...["sip:anonymous@anonymous.invalid", '"Anonymous" <sip:anonymous@anonymous.invalid>', "<unknown>"],
  ...["+266696687", "+7378742833", "+86282452253", "+8656696", "+2562533", "+7748283", "+1266696687"],
  ...["266696687", "1266696687", "00266696687", "+12562533"],
  ...["Anonymous Caller", "no-caller-id", "OUT-OF-AREA", "Restricted Number", "Número desconhecido"],
  ...["Nummer unterdrückt", "anonymous@anonymous.invalid", "INTERNATIONAL", "<sip:anonymous>"],
])("%j stands for a withheld number", (raw) => {
  expect(isWithheld(raw, "US")).toBe(true);
  expect(toE164(raw, "US")).toBeUndefined();
});

test.each([
  "+31612345678",
  "201",
  "sip:bram17b95f7f",
  "Anna Nonym",
  "una@example.com",
  "+31612345678@example.com",
  "+26669668",
  "+8628245225",
])("%j does not", (raw) => {
  expect(isWithheld(raw, "NL")).toBe(false);
});

test("ten digits behind a 1 are a number, whatever they spell", () => {
  expect(isWithheld("+17378742833", "US")).toBe(false);
  expect(toE164("+17378742833", "US")).toBe("+17378742833");
  expect(toE164("7378742833", "US")).toBe("+17378742833");
  expect(isWithheld("+7378742833", "US")).toBe(true);
});

test("a keypad spelling without a plus can be a number that was given out", () => {
  expect(isWithheld("266696687", "PT")).toBe(false);
  expect(toE164("266696687", "PT")).toBe("+351266696687");
});
