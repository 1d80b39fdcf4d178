import { expect, test } from "vitest";
import { webhook } from "../../connectors/hubspot/webhook.ts";
import { growth, superlinear } from "../support/linear.ts";
import { mappingProbes, textProbes } from "../support/long-texts.ts";

test("whatever reads a text of strangers takes no longer than its length allows", () => {
  expect(superlinear(textProbes())).toEqual([]);
});

test("so do the default mappings, whichever fact is long", () => {
  expect(superlinear(mappingProbes())).toEqual([]);
});

test("so does a merge of many contacts in HubSpot", () => {
  const at = (count: number) => {
    const ids = Array.from({ length: count }, (_, i) => 1_000_000 + i);
    const merge = {
      portalId: 1,
      subscriptionType: "object.merge",
      mergedObjectIds: ids,
      newObjectId: ids.map((id) => -id),
    };
    const body = Buffer.from(
      JSON.stringify([{ ...merge, primaryObjectId: ids.map((id) => id + 5_000_000) }]),
    );
    return () => webhook.read(body);
  };
  expect(growth({ name: "a merge", at }, [1_000, 16_000])).toBeUndefined();
});
