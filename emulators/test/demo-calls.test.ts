import { expect, test } from "vitest";
import { demoInstallation } from "../../src/demo.ts";
import { changed, demoCalls } from "../demo/calls.ts";

test("the demo has the same calls at every start, of each kind and each provider", () => {
  const kinds = new Set(demoCalls.map(({ kind }) => kind));
  for (const kind of ["missed", "withheld", "short AI call", "AI voicemail left", "AI call, transferred"])
    expect(kinds).toContain(kind);
  expect(new Set(demoCalls.map(({ provider }) => provider))).toEqual(
    new Set(Object.keys(demoInstallation.providers)),
  );
});

test("what a call tells besides stands in its last messages only", () => {
  const request = (call: object) => ({
    afterSeconds: 0,
    method: "POST" as const,
    query: "",
    headers: {},
    body: Buffer.from(JSON.stringify({ call })),
  });
  const told = (call: object) =>
    JSON.parse(Buffer.from(changed(request(call), { disconnection_reason: "x" }).body).toString());
  expect(told({ end_timestamp: 1 })).toEqual({ call: { end_timestamp: 1, disconnection_reason: "x" } });
  expect(told({ start_timestamp: 1 })).toEqual({ call: { start_timestamp: 1 } });
});
