import { expect, test } from "vitest";
import { superlinear } from "../support/linear.ts";
import { mappingProbes, textProbes } from "../support/long-texts.ts";

test("whatever reads a text of strangers takes no longer than its length allows", () => {
  expect(superlinear(textProbes())).toEqual([]);
});

test("so do the default mappings, whichever fact is long", () => {
  expect(superlinear(mappingProbes())).toEqual([]);
});
