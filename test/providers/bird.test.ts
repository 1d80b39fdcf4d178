import { simulatedCall } from "@switchhook/emulators/test/simulated-call";
import { expect, test } from "vitest";
import { fold } from "../../src/core/fold.ts";
import type { Delivery } from "../../src/core/provider.ts";
import { bird } from "../../src/providers/bird/index.ts";
import { deliveriesOf, loadFixture, simulate, testProvider } from "../contracts/provider.ts";

const signingKey = ["demo-bird-key"];
const platformSecret = ["whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="];

testProvider(bird, { signingKey });

function delivery(body: unknown): Delivery {
  const [made] = deliveriesOf("bird", { source: "", requests: [{ body }], events: [] });
  return made as Delivery;
}

function inbound(payload: object, event = "voice.inbound") {
  return bird.decode(delivery({ service: "channels", event, payload: { id: "c1", ...payload } }))[0];
}

function platformEnd(data: object) {
  const body = {
    type: "voice_call.ended",
    timestamp: "2026-05-01T10:00:00Z",
    data: { call_id: "v1", ...data },
  };
  return bird.decode(delivery(body))[0]?.facts;
}

test.each([
  ["accepted", "ringing", undefined],
  ["starting", "ringing", undefined],
  ["ringing", "ringing", undefined],
  ["ongoing", "answered", undefined],
  ["completed", "ended", "completed"],
  ["no-answer", "ended", "no-answer"],
  ["busy", "ended", "busy"],
  ["failed", "ended", "failed"],
  ["cancelled", "ended", "cancelled"],
  ["__proto__", undefined, undefined],
])("the status %s is the phase %s and the outcome %s", (status, phase, outcome) => {
  const event = inbound({ status });
  expect([event?.phase, event?.facts.outcome]).toEqual([phase, outcome]);
  expect(event?.kind).toBe(`voice.inbound ${status}`);
});

test.each([
  ["answered", "completed"],
  ["no_answer", "no-answer"],
  ["rejected", "rejected"],
  ["failed", "failed"],
  ["constructor", "unknown"],
])("the platform's status %s is the outcome %s", (status, outcome) => {
  const facts = platformEnd({ status, duration_ms: 12_400 });
  expect(facts).toMatchObject({ outcome, reason: status });
  expect(facts?.talkSeconds).toBe(outcome === "completed" ? 12 : undefined);
});

test("the event's name gives the direction when the payload does not", () => {
  expect(inbound({ from: "+31612345678" })?.facts).toMatchObject({
    direction: "inbound",
    customer: { number: "+31612345678" },
  });
  expect(inbound({ from: "+31612345678" }, "voice.outbound")?.facts).toEqual({
    direction: "outbound",
    line: "+31612345678",
  });
});

test("numbers are found wherever Bird puts them", () => {
  const expected = { customer: { number: "+31612345678" } };
  const contact = { id: "k1", identifierKey: "phonenumber", identifierValue: "+31612345678" };
  expect(inbound({ from: { number: "+31612345678" } })?.facts).toMatchObject(expected);
  expect(inbound({ originator: { number: "+31612345678" } })?.facts).toMatchObject(expected);
  expect(inbound({ originator: { number: { identity: "+31612345678" } } })?.facts).toMatchObject(expected);
  expect(inbound({ originator: { contact } })?.facts).toMatchObject({
    ...expected,
    custom: { contactId: "k1" },
  });
  const mail = { ...contact, identifierKey: "emailaddress", identifierValue: "jane@example.com" };
  expect(inbound({ originator: { contact: mail } })?.facts).not.toHaveProperty("customer");
});

test("a caller who withheld the number stays anonymous, even when Bird knows a name", () => {
  const number = { number: "+31612345678", anonymous: true, callerIdName: "Jane" };
  expect(inbound({ from: "+31612345678", originator: { number } })?.facts.customer).toEqual({
    number: "anonymous",
  });
});

test("the user who takes the call is its agent, and talked once it was answered", () => {
  const receiver = { user: { id: "user-201", name: "Ann Smit" } };
  expect(inbound({ status: "ringing", receiver })?.facts.agents).toEqual([
    { ids: ["user-201"], name: "Ann Smit" },
  ]);
  expect(inbound({ status: "ongoing", receiver })?.facts.agents).toEqual([
    { ids: ["user-201"], name: "Ann Smit", talked: true },
  ]);
});

test("a status without updatedAt happened at its own time, or else when it came", () => {
  const answeredAt = "2026-01-02T03:00:00Z";
  expect(inbound({ status: "ongoing", answeredAt, createdAt: "2026-01-02T02:59:00Z" })?.at).toBe(
    "2026-01-02T03:00:00.000Z",
  );
  expect(inbound({ status: "ongoing", updatedAt: "0001-01-01T00:00:00Z" })?.at).toBe(
    "2026-01-02T03:04:05.000Z",
  );
});

test("only a completed call has a talk time", () => {
  expect(inbound({ status: "ongoing", duration: 12 })?.facts).not.toHaveProperty("talkSeconds");
  expect(inbound({ status: "completed", duration: 12 })?.facts.talkSeconds).toBe(12);
  expect(inbound({ status: "completed", duration: -1 })?.facts).not.toHaveProperty("talkSeconds");
});

test("a whole call folds to what it was", () => {
  expect(fold(loadFixture("bird", "inbound-completed.json").events)).toMatchObject({
    startedAt: "2023-10-26T18:28:50.646Z",
    answeredAt: "2023-10-26T18:28:55.373Z",
    endedAt: "2023-10-26T18:29:37.373Z",
    talkSeconds: 42,
    ringSeconds: 4,
    outcome: "completed",
  });
});

test.each([
  ["neither event nor type", { service: "channels" }],
  ["an event that is no text", { event: {}, type: 7 }],
  ["a voice event without a payload", { service: "channels", event: "voice.inbound" }],
  ["a payload that is a list", { event: "voice.outbound", payload: [] }],
  ["a payload without an id", { event: "voice.inbound", payload: { id: "" } }],
  ["an endless id", { event: "voice.inbound", payload: { id: "x".repeat(129) } }],
  ["an id with a NUL", { event: "voice.inbound", payload: { id: "x\u0000" } }],
  ["half a character in the id", { type: "voice_call.ended", data: { call_id: "\ud800" } }],
  ["a platform event without data", { type: "voice_call.ended" }],
])("refuses %s with 400", (_name, body) => {
  const refusal = expect.objectContaining({ name: "Rejected", status: 400 });
  expect(() => bird.read(delivery(body))).toThrow(refusal);
  expect(() => bird.decode(delivery(body))).toThrow(refusal);
});

test.each([null, true, 1e308, -1, "", "\u0000", [], [{}], {}, { number: {}, contact: [], user: null }])(
  "takes %j in any field of a call",
  (odd) => {
    const names = `from to originator receiver direction status reason duration hangupCauseCode hangupSource parentId
      channelId hangupSipCode createdAt updatedAt ringingAt answeredAt endedAt session_id src_number duration_ms`;
    const odds = Object.fromEntries(names.split(/\s+/).map((name) => [name, odd]));
    const deeper = { ...odds, originator: { number: odd, contact: odd, user: odd } };
    const bodies = [
      { event: "voice.inbound", payload: { ...odds, id: "c1" } },
      { event: "voice.outbound", payload: { ...deeper, status: "completed", id: "c1" } },
      { type: "voice_call.ended", timestamp: odd, data: { ...odds, call_id: "c1" } },
    ];
    const events = bodies.flatMap((body) => bird.decode(delivery(body)));
    expect(events.map(({ callId }) => callId)).toEqual(["c1", "c1", "c1"]);
    expect(JSON.stringify(events)).not.toMatch(/null|""/);
  },
);

test("simulates a busy line, and signs for the new platform when that is the only secret", () => {
  const events = simulate(
    bird,
    { platformSecret },
    { ...simulatedCall, direction: "outbound", outcome: "busy" },
  );
  expect(events.map(({ kind }) => kind)).toEqual([
    "voice.outbound accepted",
    "voice.outbound starting",
    "voice.outbound busy",
  ]);
  expect(fold(events)).toMatchObject({ outcome: "busy", phase: "ended", agents: [{ ids: ["201"] }] });
});

test("knows its settings, and every fault in them", () => {
  expect(bird.settings.parse({ signingKey: "key-1" })).toEqual({ signingKey: ["key-1"] });
  expect(bird.settings.parse({ platformSecret })).toEqual({ platformSecret });
  expect(bird.settings.safeParse({}).error?.issues[0]?.message).toMatch(/signingKey .* or platformSecret/);
  expect(bird.settings.safeParse({ platformSecret: "no-base64!" }).success).toBe(false);
  expect(bird.settings.safeParse({ signingKey: "key-1", signing_key: "typo" }).success).toBe(false);
});
