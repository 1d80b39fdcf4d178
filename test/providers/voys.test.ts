import { simulatedCall } from "@switchhook/emulators/test/simulated-call";
import { describe, expect, test } from "vitest";
import { Rejected } from "../../src/core/errors.ts";
import { fold } from "../../src/core/fold.ts";
import { voys } from "../../src/providers/voys/index.ts";
import { simulate, testProvider } from "../contracts/provider.ts";
import { decode, delivery } from "./voys-notification.ts";

const settings = { secret: ["new-secret", "old-secret"] };
testProvider(voys, settings);

describe("who may send", () => {
  const proof = { now: 0, publicUrl: "https://hooks.example.com/webhooks/acme/voys" };
  const basic = (password: string) => ({ authorization: `Basic ${btoa(`voys:${password}`)}` });

  test("the new secret and the old one, in the URL or as a password", () => {
    for (const secret of settings.secret) {
      expect(() => voys.verify(delivery({}), settings, { ...proof, secretInUrl: secret })).not.toThrow();
      expect(() => voys.verify(delivery({}, basic(secret)), settings, proof)).not.toThrow();
    }
  });

  test("nobody else", () => {
    for (const headers of [
      {},
      basic("guess"),
      { authorization: "Basic" },
      { authorization: "Bearer guess" },
    ]) {
      expect(() => voys.verify(delivery({}, headers), settings, proof)).toThrow(Rejected);
    }
  });

  test("with one secret or two in the settings, and no misspelt name", () => {
    expect(voys.settings.parse({ secret: "only" })).toEqual({ secret: ["only"] });
    expect(voys.settings.parse(settings)).toEqual(settings);
    for (const wrong of [
      {},
      { secret: "" },
      { secret: ["one1", "two2", "three"] },
      { secret: "only", key: "x" },
    ]) {
      expect(voys.settings.safeParse(wrong).success).toBe(false);
    }
  });
});

describe("how a call ended", () => {
  test.each([
    ["completed", "completed"],
    ["busy", "busy"],
    ["no-answer", "no-answer"],
    ["failed", "failed"],
    ["cancelled", "cancelled"],
    ["abandon", "abandoned"],
    ["eaten-by-a-grue", "unknown"],
    ["constructor", "unknown"],
  ])("%s is %s", (reason, outcome) => {
    expect(decode({ status: "ended", reason }).facts).toMatchObject({ outcome, reason });
  });

  test("nobody said how", () => {
    const { facts } = decode({ status: "ended", reason: "" });
    expect(facts.outcome).toBe("unknown");
    expect(facts).not.toHaveProperty("reason");
  });

  test("a reason before the end is no outcome", () => {
    expect(decode({ reason: "busy" }).facts).not.toHaveProperty("outcome");
  });
});

describe("when", () => {
  test.each([
    ["2026-02-03T05:05:06.999999+01:00", "2026-02-03T04:05:06.999Z"],
    ["2026-02-03T04:05:06Z", "2026-02-03T04:05:06.000Z"],
    ["0001-01-01T00:00:00+00:00", "2026-02-03T04:05:09.000Z"],
    ["yesterday", "2026-02-03T04:05:09.000Z"],
    [null, "2026-02-03T04:05:09.000Z"],
  ])("%j is %s", (timestamp, at) => {
    const event = decode({ timestamp });
    expect([event.at, event.facts.startedAt]).toEqual([at, at]);
  });

  test("a call without a ringing starts no later than its answer", () => {
    const answered = decode({ status: "in-progress" });
    const ended = decode({ status: "ended", reason: "completed", timestamp: "2026-02-03T04:06:06Z" });
    expect(fold([ended, answered])).toMatchObject({ startedAt: answered.at, talkSeconds: 60 });
  });
});

test("an outbound simulation sends no created notification", () => {
  const kinds = (direction: "inbound" | "outbound") =>
    simulate(voys, settings, { ...simulatedCall, direction }).map(({ kind }) => kind);
  expect(kinds("inbound")).toEqual(["created", "ringing", "in-progress", "ended"]);
  expect(kinds("outbound")).toEqual(["ringing", "in-progress", "ended"]);
});
