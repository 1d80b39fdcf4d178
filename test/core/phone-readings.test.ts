import { beforeEach, expect, test, vi } from "vitest";
import { identityOf, isWithheld, numbersIn } from "../../src/core/phone.ts";

const parsed = vi.hoisted(() => ({ times: 0 }));

vi.mock("libphonenumber-js/min", async (original) => {
  const library = await original<typeof import("libphonenumber-js/min")>();
  const parsePhoneNumberFromString: typeof library.parsePhoneNumberFromString = (text, region) => {
    parsed.times += 1;
    return library.parsePhoneNumberFromString(text, region as "IN");
  };
  return { ...library, parsePhoneNumberFromString };
});

beforeEach(() => {
  parsed.times = 0;
});

const hostile = [
  "910ﷺ&) ١0958 91/20 ) 1 212 0 (0 020 ) 1 2143210 1 0  1 212 0 &+1  912312 1 020 ) 1 2125550 1 020 ) 1 21255501١0958 9112 0 ) 1 2125+255509112 0 ) 1 2125522222  21255509112 0 ) 1 2122",
  "794601 1 1 1 9/12 3  22220 0/+1 1 1 1 91 100 x-+11 1&12 1022222 -+1 1 1 -+12-+11 1&1١2 1022222 -+1 1 1 -+123  1 &1١2 1022222 -+1 1 1 -+123  1 1&1022222 -+1 1 10 1 1&12 1022222 -+1 1 -+1 1 10 1 1&12 1",
];

test.each(hostile)("a text that can be read in very many ways is given up (%#)", (text) => {
  for (const region of ["IN", "US"]) {
    parsed.times = 0;
    numbersIn(text, region);
    expect(parsed.times).toBeLessThanOrEqual(200);
  }
});

test("what follows is read as ever", () => {
  numbersIn(hostile[0] ?? "", "IN");
  expect(identityOf("98111 22222", "IN")).toBe("+919811122222");
  numbersIn(hostile[0] ?? "", "IN");
  expect(isWithheld("266696687", "PT")).toBe(false);
});

test("the most numbers that a person writes into one field are all found", () => {
  expect(numbersIn("0998 11 22 33 44 0998 11 22 33 45 0998 11 22 33 46", "DE")).toHaveLength(3);
  const list = [
    "98111 22222",
    "98111 33333",
    "+91 98111 44444",
    "080 4123 4567",
    "044-2222-3333",
    "+1 212 555 0100",
  ];
  expect(numbersIn(list.join(" / "), "IN")).toHaveLength(list.length);
  expect(parsed.times).toBeLessThan(200);
});
