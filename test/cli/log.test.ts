import { expect, test } from "vitest";
import { humanLine } from "../../src/cli/log.ts";
import { table } from "../../src/cli/output.ts";

const line = { level: "info", time: "2026-11-21T10:11:12.345Z", msg: "call created" };

test("writes one readable line per event", () => {
  const text = humanLine(JSON.stringify({ ...line, crm: "local", note: "two words", calls: 3 }));
  expect(text).toBe('10:11:12 info  call created  crm=local  note="two words"  calls=3\n');
});

test("shows the stack of a bug, and none of an error that says all there is to say", () => {
  const err = { message: "it broke", stack: "Error: it broke\n    at here" };
  expect(humanLine(JSON.stringify({ ...line, err: { ...err, type: "TypeError" } }))).toBe(
    '10:11:12 info  call created  error="it broke"\nError: it broke\n    at here\n',
  );
  expect(humanLine(JSON.stringify({ ...line, err: { ...err, type: "CrmError" } }))).toBe(
    '10:11:12 info  call created  error="it broke"\n',
  );
});

test("keeps what callers call themselves from moving the cursor", () => {
  expect(
    table([
      ["\u001b[2JEve\r\n", "a"],
      ["Bob", "b"],
    ]),
  ).toEqual([" [2JEve   a", "Bob       b"]);
});
