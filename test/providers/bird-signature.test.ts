import { expect, test } from "vitest";
import type { Delivery } from "../../src/core/provider.ts";
import { bird } from "../../src/providers/bird/index.ts";
import type { BirdSettings } from "../../src/providers/bird/settings.ts";

const now = 1763630000000;
const url = "https://hooks.example.com/webhooks/bird/t1";

/** Computed from Bird's documented algorithm outside this project; Bird publishes no vector. */
const channels = {
  settings: { signingKey: ["mysecretkey"] },
  body: '{"service":"channels","event":"voice.inbound","payload":{"id":"0b4cbfa2-813f-4b93-8007-265875bb88bb","channelId":"b827924e-9789-4c2f-a4d5-b352175354f6","parentId":"","from":"+31612345678","to":"+31201234567","originator":{"contact":{"id":"d4e8935a-5f48-45a5-95a5-ee7ba1e2c5b4","identifierKey":"phonenumber","identifierValue":"+31612345678"},"number":{"type":"pstn","number":"+31612345678","anonymous":false,"callerIdName":"","identity":"+31612345678","countryIsoCode":"NL","pstnNumberType":"mobile"}},"receiver":{"number":{"type":"pstn","number":"+31201234567","anonymous":false,"identity":"+31201234567","countryIsoCode":"NL","pstnNumberType":"fixed"}},"direction":"incoming","status":"completed","reason":"","type":"pstn","duration":42,"hangupCauseCode":16,"hangupSource":"caller","hangupSipCode":"200","createdAt":"2023-10-26T18:28:50.646Z","updatedAt":"2023-10-26T18:29:40.000Z","ringingAt":"2023-10-26T18:28:51.000Z","answeredAt":"2023-10-26T18:28:55.373Z","endedAt":"2023-10-26T18:29:37.373Z"}}',
  headers: {
    "messagebird-request-timestamp": "1763630000",
    "messagebird-signature": "rx0x2cz52vYttDQiR+JREFKn/rgGAhI8wV1iJOfzuwc=",
  },
};

/** Computed from the Standard Webhooks algorithm outside this project. */
const platform = {
  settings: { platformSecret: ["whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="] },
  body: '{"type":"voice_call.ended"}',
  headers: {
    "webhook-id": "msg_1",
    "webhook-timestamp": "1763630000",
    "webhook-signature": "v1,DCQj9uAHcNNNYvtwgumpzGDTSE6AWIXdv/3vhdBKA3M=",
  },
};

type Request = { settings: BirdSettings; body: string; headers: Record<string, string> };

function verify(request: Request, at = now, publicUrl = url): void {
  const delivery: Delivery = {
    installation: "acme",
    provider: "bird",
    receivedAt: new Date(at).toISOString(),
    method: "POST",
    url: "/",
    headers: request.headers,
    body: Buffer.from(request.body),
  };
  bird.verify(delivery, request.settings, { now: at, publicUrl })?.(delivery.body);
}

function refusal(message: RegExp) {
  return expect.objectContaining({ name: "Rejected", status: 401, message: expect.stringMatching(message) });
}

test("accepts what Bird's algorithms signed", () => {
  expect(() => verify(channels)).not.toThrow();
  expect(() => verify(platform)).not.toThrow();
});

test("accepts either of two keys while one replaces the other", () => {
  expect(() => verify({ ...channels, settings: { signingKey: ["newer", "mysecretkey"] } })).not.toThrow();
  const [old = ""] = platform.settings.platformSecret;
  const platformSecret = ["whsec_bmV3ZXIta2V5LW5ld2VyLWtleQ==", old];
  expect(() => verify({ ...platform, settings: { platformSecret } })).not.toThrow();
});

test("a channels retry keeps its first timestamp and counts for 24 hours", () => {
  expect(() => verify(channels, now + 86_400_000)).not.toThrow();
  expect(() => verify(channels, now + 86_400_001)).toThrow(refusal(/24 hours/));
  expect(() => verify(channels, now - 300_000)).not.toThrow();
  expect(() => verify(channels, now - 300_001)).toThrow(refusal(/future/));
});

test("a platform signature counts for five minutes", () => {
  expect(() => verify(platform, now + 300_000)).not.toThrow();
  expect(() => verify(platform, now + 300_001)).toThrow(refusal(/5 minutes/));
  expect(() => verify(platform, now - 300_001)).toThrow(refusal(/future/));
});

test("the exact URL is part of the channels signature, query and all", () => {
  expect(() => verify(channels, now, `${url}?a=1`)).toThrow(refusal(/exact URL/));
  expect(() => verify(channels, now, url.replace("https", "http"))).toThrow(refusal(/exact URL/));
});

test("refuses a changed body", () => {
  expect(() => verify({ ...channels, body: `${channels.body} ` })).toThrow(
    refusal(/messagebird-signature is wrong/),
  );
  expect(() => verify({ ...platform, body: `${platform.body} ` })).toThrow(
    refusal(/webhook-signature is wrong/),
  );
});

test("one good signature among several is enough for the platform", () => {
  const good = platform.headers["webhook-signature"];
  const several = { ...platform.headers, "webhook-signature": `v1a,xyz ${good} v1,AAAA` };
  expect(() => verify({ ...platform, headers: several })).not.toThrow();
  const none = { ...platform.headers, "webhook-signature": good.replace("v1,", "v2,") };
  expect(() => verify({ ...platform, headers: none })).toThrow(refusal(/is wrong/));
});

test("says which secret is missing", () => {
  expect(() => verify({ ...channels, settings: platform.settings })).toThrow(
    refusal(/`signingKey` is not set/),
  );
  expect(() => verify({ ...platform, settings: channels.settings })).toThrow(
    refusal(/`platformSecret` is not set/),
  );
});

test("refuses a request without a signature", () => {
  expect(() => verify({ ...channels, headers: {} })).toThrow(refusal(/no messagebird-signature/));
});

test.each(["", "soon", "1763630000x", "-1", "1e9", "999999999999999"])(
  "refuses the timestamp %j",
  (timestamp) => {
    const late = { ...channels.headers, "messagebird-request-timestamp": timestamp };
    expect(() => verify({ ...channels, headers: late })).toThrow(refusal(/not a time in seconds/));
    const platformLate = { ...platform.headers, "webhook-timestamp": timestamp };
    expect(() => verify({ ...platform, headers: platformLate })).toThrow(refusal(/not a time in seconds/));
  },
);
