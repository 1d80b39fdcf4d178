import { expect, test } from "vitest";
import { isWithheld, toE164 } from "../../src/core/phone.ts";

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
