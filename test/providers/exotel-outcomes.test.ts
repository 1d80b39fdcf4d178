import { describe, expect, test } from "vitest";
import { callOf, eventsOf, json } from "./exotel-requests.ts";

const ended = {
  CallSid: "a",
  EventType: "terminal",
  DateUpdated: "2024-01-15 14:30:45",
  StartTime: "2024-01-15 14:25:12",
  EndTime: "2024-01-15 14:30:45",
  From: "09876543210",
  To: "09123456789",
  PhoneNumberSid: "0XXXXXX4890",
  Direction: "inbound",
};

describe("answered", () => {
  const answered = { ...ended, EventType: "answered", Status: "in-progress", EndTime: "" };

  test.each([
    ["the first leg alone", [{ Status: "in-progress" }, { Status: "" }]],
    ["the first leg, the second not attempted", [{ Status: "in-progress" }, { Status: null }]],
    ["the second leg when the first has ended", [{ Status: "completed" }, { Status: "in-progress" }]],
    ["no leg that is told of", undefined],
  ])("by %s is only ringing", (_name, Legs) => {
    const call = callOf({ ...answered, Legs });
    expect(call.phase).toBe("ringing");
    expect(call.answeredAt).toBeUndefined();
    expect(call.agents).toEqual([{ ids: ["09123456789"] }]);
  });

  test("is no end, whatever its status says", () => {
    expect(callOf({ ...answered, Status: "completed" }).phase).toBe("ringing");
  });

  test("by both legs is answered, and the agent talks", () => {
    const call = callOf({ ...answered, Legs: [{ Status: "in-progress" }, { Status: "in-progress" }] });
    expect(call).toMatchObject({ phase: "answered", answeredAt: "2024-01-15T09:00:45.000Z" });
    expect(call.agents).toEqual([{ ids: ["09123456789"], talkedAt: "2024-01-15T09:00:45.000Z" }]);
  });
});

describe("how a StatusCallback ends", () => {
  test.each([
    [{ Status: "busy" }, "busy"],
    [{ Status: "failed" }, "failed"],
    [{ Status: "no-answer" }, "no-answer"],
    [{ Status: "canceled" }, "cancelled"],
    [{ Status: "Cancelled" }, "cancelled"],
    [{ Status: "" }, "unknown"],
    [{ Status: "", EventType: "" }, "unknown"],
    [{ Status: "", EventType: "", ConversationDuration: 0 }, "unknown"],
    [{ Status: "", EventType: "", ConversationDuration: 320 }, "completed"],
    [{ Status: "completed" }, "completed"],
    [{ Status: "completed", ConversationDuration: "" }, "completed"],
    [{ Status: "completed", ConversationDuration: 320 }, "completed"],
    [{ Status: "completed", ConversationDuration: 0 }, "abandoned"],
    [
      { Status: "completed", ConversationDuration: "0", Legs: [{ Status: "completed" }, { Status: null }] },
      "abandoned",
    ],
    [{ Status: "completed", ConversationDuration: "0", Legs: [{}, { Status: "busy" }] }, "busy"],
    [{ Status: "completed", ConversationDuration: "0", Legs: [{}, { OnCallDuration: 7 }] }, "completed"],
  ])("%j is %s", (fields, outcome) => {
    expect(callOf({ ...ended, ...fields })).toMatchObject({ phase: "ended", outcome });
  });

  test("an absent talk time is not 0", () => {
    expect(callOf({ ...ended, Status: "completed" }).talkSeconds).toBeUndefined();
    expect(callOf({ ...ended, Status: "completed", ConversationDuration: 0 }).talkSeconds).toBe(0);
  });

  test("figures that have not settled say nothing: no seconds, zero EndTime, yet a recording", () => {
    const RecordingUrl = "https://recordings.exotel.com/a.mp3";
    const EndTime = "1970-01-01 05:30:00";
    const call = callOf({ ...ended, Status: "completed", ConversationDuration: 0, EndTime, RecordingUrl });
    expect(call).toMatchObject({ phase: "ended", outcome: "completed", recording: { ref: RecordingUrl } });
    expect(call).not.toHaveProperty("talkSeconds");
    expect(call).not.toHaveProperty("endedAt");
  });

  test("a machine on the customer's leg is a voicemail, on the agent's it is not", () => {
    const Legs = [{ AnsweredBy: "NA" }, { AnsweredBy: "MACHINE", Status: "completed" }];
    const fields = { ...ended, Status: "completed", ConversationDuration: 20, Legs };
    const outbound = callOf({ ...fields, Direction: "outbound-api" });
    expect(outbound).toMatchObject({
      outcome: "voicemail",
      talkSeconds: 20,
      custom: { AnsweredBy: "MACHINE" },
    });
    expect(callOf(fields)).toMatchObject({ outcome: "completed", custom: { AnsweredBy: "MACHINE" } });
  });

  test.each([
    "javascript:alert(1)",
    "ftp://a/b.mp3",
    "null",
    "https://",
    "https://a b",
    `https://a/${"x".repeat(2_048)}`,
  ])("%j is no recording", (RecordingUrl) => {
    expect(callOf({ ...ended, Status: "completed", RecordingUrl })).not.toHaveProperty("recording");
  });
});

describe("who is the customer", () => {
  test.each([
    ["inbound", "09876543210", "09123456789"],
    ["INCOMING", "09876543210", "09123456789"],
    ["outbound-api", "09123456789", "09876543210"],
    ["Outbound_Dial", "09123456789", "09876543210"],
  ])("%s: %s, and %s is the agent", (Direction, customer, agent) => {
    const call = callOf({ ...ended, Status: "completed", Direction });
    expect(call).toMatchObject({
      customer: { number: customer },
      agents: [{ ids: [agent] }],
      line: "0XXXXXX4890",
    });
  });

  test("nobody in an unknown direction, unless one of them is a SIP user", () => {
    const call = callOf({ ...ended, Status: "completed", Direction: "sideways" });
    expect(call).not.toHaveProperty("direction");
    expect(call).not.toHaveProperty("customer");
    const sip = callOf({ ...ended, Status: "completed", Direction: "", To: "sip:sunithab17b95f7f" });
    expect(sip).toMatchObject({ customer: { number: "09876543210" } });
    expect(sip.agents).toEqual([{ ids: ["sunithab17b95f7f", "sip:sunithab17b95f7f"] }]);
  });

  test("the company's own line is no agent", () => {
    const call = callOf({
      ...ended,
      Status: "completed",
      To: "+911234567890",
      PhoneNumberSid: "01234567890",
    });
    expect(call.agents).toEqual([]);
  });
});

describe("WebRTC notifications", () => {
  const missed = {
    event: "missed_call",
    call_sid: "a",
    ring_duration: 30,
    timestamp: "2024-06-15T10:30:31Z",
  };

  test("no talk at all is abandoned; the total duration is not talk", () => {
    const done = { event: "call_completed", call_sid: "a", duration: 40, timestamp: "2024-06-15T10:30:31Z" };
    expect(callOf({ ...done, talk_time: 0 })).toMatchObject({ outcome: "abandoned", talkSeconds: 0 });
    expect(callOf(done)).not.toHaveProperty("talkSeconds");
    expect(callOf(done).outcome).toBe("completed");
  });

  test.each([
    ["09876543210", "sip:b@app.exotel.com", "inbound", "09876543210"],
    ["09876543210", "09123456789", "inbound", "09876543210"],
    ["sip:b@app.exotel.com", "09876543210", "outbound", "09876543210"],
  ])("missed from %s to %s is %s with %s", (from, to, direction, customer) => {
    const call = callOf({ ...missed, from, to });
    expect(call).toMatchObject({
      direction,
      customer: { number: customer },
      outcome: "no-answer",
      ringSeconds: 30,
    });
  });

  test("the kind of event is the direction when it does not say itself", () => {
    const call = { call_sid: "a", from: "09876543210", to: "sip:b" };
    expect(callOf({ ...call, event: "incoming_call" })).toMatchObject({ direction: "inbound" });
    expect(callOf({ ...call, event: "outbound_call" })).toMatchObject({ direction: "outbound" });
    expect(callOf({ ...call, event: "INCOMING_CALL", direction: "sideways" }).direction).toBe("inbound");
  });

  test("caller information of any type is kept or left out", () => {
    const caller_info = { name: "Jo\u0000hn", vip: true, score: 3, empty: "", none: null, deep: { a: 1 } };
    const call = callOf({
      event: "incoming_call",
      call_sid: "a",
      direction: "inbound",
      from: "1",
      caller_info,
    });
    expect(call.custom).toEqual({ caller_name: "Jo hn", caller_vip: true, caller_score: 3 });
    expect(call.customer).toEqual({ number: "1", name: "Jo hn" });
  });

  test("without a time the time of receipt counts as the event's, not as the call's", () => {
    const [event] = eventsOf(
      json({ event: "call_ringing", call_sid: "a", timestamp: "0001-01-01T00:00:00Z" }),
    );
    expect(event).toEqual({
      callId: "a",
      at: "2026-01-02T03:04:05.000Z",
      kind: "call_ringing",
      phase: "ringing",
      facts: {},
    });
  });
});
