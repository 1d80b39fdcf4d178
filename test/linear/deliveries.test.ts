import { describe, expect, test } from "vitest";
import { providers } from "../../src/providers/index.ts";
import { slow, superlinear } from "../support/linear.ts";
import { bodyProbes, fieldProbes, proofProbes } from "../support/long-deliveries.ts";

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
