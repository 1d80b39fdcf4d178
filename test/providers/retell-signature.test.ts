import { expect, test } from "vitest";
import type { Delivery } from "../../src/core/provider.ts";
import { retell } from "../../src/providers/retell/index.ts";

/** Made with retell-sdk 5.66.1. */
const vector = {
  apiKey: "key_test_0123456789abcdef",
  now: 1763630000000,
  body: '{"event":"call_inbound","call_inbound":{"agent_id":"agent_12345","from_number":"+12137771234","to_number":"+12137771235"}}',
  signature: "v=1763630000000,d=103fc8ec3f08c8c452889219060279a1159271f9edfe51254d431ff7f0d03303",
};

function verify(change: { signature?: string; body?: string; now?: number; apiKey?: string[] } = {}): void {
  const {
    signature = vector.signature,
    body = vector.body,
    now = vector.now,
    apiKey = [vector.apiKey],
  } = change;
  const delivery: Delivery = {
    installation: "acme",
    provider: "retell",
    receivedAt: new Date(now).toISOString(),
    method: "POST",
    url: "/",
    headers: signature ? { "x-retell-signature": signature } : {},
    body: Buffer.from(body),
  };
  const proof = { now, publicUrl: "https://hooks.example.com/webhooks/acme/retell" };
  retell.verify(delivery, { apiKey }, proof)?.(delivery.body);
}

function refusal(message: RegExp) {
  return expect.objectContaining({ name: "Rejected", status: 401, message: expect.stringMatching(message) });
}

test("accepts what Retell's own SDK signed", () => {
  expect(() => verify()).not.toThrow();
});

test("accepts either of two keys while one replaces the other", () => {
  expect(() => verify({ apiKey: ["key_new", vector.apiKey] })).not.toThrow();
  expect(() => verify({ apiKey: [vector.apiKey, "key_new"] })).not.toThrow();
  expect(() => verify({ apiKey: ["key_new", "key_newer"] })).toThrow(refusal(/webhook badge/));
});

test.each([300_000, -300_000])("accepts a signature that is exactly %i ms old", (ms) => {
  expect(() => verify({ now: vector.now + ms })).not.toThrow();
});

test.each([300_001, -300_001])("refuses a signature that is %i ms old", (ms) => {
  expect(() => verify({ now: vector.now + ms })).toThrow(refusal(/expired/));
});

test("refuses a request without a signature", () => {
  expect(() => verify({ signature: "" })).toThrow(refusal(/no x-retell-signature/));
});

test.each([
  `${vector.signature}0`,
  `x,${vector.signature}`,
  vector.signature.slice(0, -1),
  vector.signature.replace("v=", "v=-"),
  "v=,d=",
  "v=1763630000000",
])("refuses the malformed signature %s", (signature) => {
  expect(() => verify({ signature })).toThrow(refusal(/does not look like/));
});

test("refuses a body with one byte changed, even a space", () => {
  expect(() => verify({ body: `${vector.body} ` })).toThrow(refusal(/is wrong/));
});

test("refuses a time that is not the signed one", () => {
  const signature = vector.signature.replace("v=1763630000000", "v=1763630000001");
  expect(() => verify({ signature })).toThrow(refusal(/is wrong/));
});
