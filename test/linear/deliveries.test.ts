import { describe, expect, test } from "vitest";
import { webhook } from "../../connectors/hubspot/webhook.ts";
import { providers } from "../../src/providers/index.ts";
import { growth, slow, superlinear } from "../support/linear.ts";
import { bodyProbes, fieldProbes, proofProbes } from "../support/long-deliveries.ts";
import { mappingProbes, textProbes } from "../support/long-texts.ts";

/** A third of what most bodies may have: what was slow took a second for it. */
const large = 300_000;
const key = Buffer.alloc(32, 1).toString("base64");
const settings: Readonly<Record<string, unknown>> = {
  exotel: { secret: ["exotel-key"] },
  voys: { secret: ["voys-key"] },
  retell: { apiKey: ["retell-key"] },
  bird: { signingKey: ["bird-key"], platformSecret: [`whsec_${key}`] },
};

describe.each(Object.values(providers))(
  "what $id sends takes no longer than its length allows",
  (provider) => {
    test("whatever fills a field", () => {
      expect(superlinear(fieldProbes(provider))).toEqual([]);
    });

    test("whatever fills the body", () => {
      expect(superlinear(bodyProbes(provider))).toEqual([]);
    });

    test("nor is it slow, whatever fills a large body", () => {
      expect(slow(bodyProbes(provider), large)).toEqual([]);
      expect(slow(fieldProbes(provider, [" ", "a", "\0"]), large)).toEqual([]);
    });

    test("whatever fills a header or the URL", () => {
      expect(superlinear(proofProbes(provider, settings[provider.id]))).toEqual([]);
    });
  },
);

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
