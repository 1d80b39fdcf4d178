import { expect, test } from "vitest";
import { didYouMean, editDistance, nearest } from "../../src/mapping/nearest.ts";

test.each([
  ["", "", 0],
  ["call", "call", 0],
  ["cal", "call", 1],
  ["clal", "call", 1],
  ["kitten", "sitting", 3],
  ["", "abc", 3],
])("from %j to %j it takes %d letters", (a, b, distance) => {
  expect(editDistance(a, b)).toBe(distance);
  expect(editDistance(b, a)).toBe(distance);
});

test("finds the nearest word, whatever its capitals", () => {
  expect(nearest("HS_Call_Duraton", ["hs_call_direction", "hs_call_duration"])).toBe("hs_call_duration");
});

test("has no idea when nothing is near", () => {
  expect(nearest("colour", ["call", "contact"])).toBeUndefined();
  expect(nearest("x".repeat(1_000_000), ["x".repeat(1_000_001)])).toBeUndefined();
  expect(didYouMean("colour", ["call"])).toBeUndefined();
});
