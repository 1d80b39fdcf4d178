import { describe, expect, test } from "vitest";
import { acmeWith, faultsOf, linesOf } from "./loading.ts";

describe("whatever stands in the file, only ConfigError is thrown", () => {
  const hostile: unknown[] = [
    null,
    true,
    -1,
    1e308,
    "",
    "\0",
    "\ud800",
    [],
    [[]],
    {},
    { env: 1 },
    { constructor: 1 },
  ];
  const places = [
    "crm",
    "providers",
    "region",
    "timeZone",
    "mapping",
    "agents",
    "unknownCallers",
    "logInternalCalls",
  ];
  const more = ["contactOrder", "settleSeconds", "answerDeadlineMs", "defaultOwner", "companyNumbers"];

  test.each([...places, ...more])("%s", (name) => {
    for (const value of hostile) faultsOf(acmeWith({ [name]: value }));
    for (const value of hostile) faultsOf(acmeWith({ [name]: [value] }));
    for (const value of hostile) faultsOf(acmeWith({ [name]: { voys: value, type: value, email: value } }));
  });

  test("the whole file", () => {
    for (const value of hostile) expect(faultsOf(JSON.stringify(value)).length).toBeGreaterThan(0);
    for (const text of [
      "",
      "nonsense",
      "[".repeat(100_000),
      `{"a":`.repeat(50_000),
      '"\ud800"',
      "\0",
      "{}{}",
    ]) {
      expect(faultsOf(text).length).toBeGreaterThan(0);
    }
    expect(linesOf(`{"installations":{"__proto__":{"region":"NL"}}}`)[1]).toContain("cannot have this name");
  });
});
