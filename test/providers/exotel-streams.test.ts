import { describe, expect, test } from "vitest";
import { callOf } from "./exotel-requests.ts";

test.each([
  [
    { status: "completed", duration: "7", recording_url: "https://recordings.exotel.com/a.mp3" },
    "completed",
    7,
  ],
  [{ DetailedStatus: "Streaming_call_throttled" }, "failed", undefined],
  [{ Status: "cancelled", Duration: "0", DisconnectedBy: "user" }, "cancelled", 0],
  [{ Status: "completed", Duration: "0" }, "abandoned", 0],
])("the stream %j is %s", (stream, outcome, talkSeconds) => {
  const call = callOf({
    CallSid: "a",
    Direction: "inbound",
    From: "09820000011",
    Stream: JSON.stringify(stream),
  });
  expect(call).toMatchObject({ phase: "ended", outcome });
  expect(call.talkSeconds).toBe(talkSeconds);
});

test.each([
  ["Completed", "completed"],
  ["Cancelled", "cancelled"],
])("the Connect event %s is an end", (EventType, outcome) => {
  const event = { CallSid: "a", CallFrom: "09820000011", CallTo: "08040000022", Direction: "incoming" };
  expect(callOf({ ...event, EventType, CallStatus: "in-progress" })).toMatchObject({
    phase: "ended",
    outcome,
  });
});

const endless = `{"Status":"completed","x":"${"x".repeat(20_000)}"}`;

test.each(["[]", "{", "1", '"x"', "null", endless])(
  "a text under Stream that is no stream (%#)",
  (Stream) => {
    const call = callOf({ CallSid: "a", Direction: "inbound", From: "09820000011", Stream });
    expect(call.phase).toBe("ringing");
  },
);

describe("CCM", () => {
  const details = {
    call_sid: "a",
    direction: "outbound",
    call_state: "terminal",
    customer_details: { contact_uri: "+919820000011" },
  };

  test.each([
    ["completed", 22, "completed"],
    ["completed", 0, "cancelled"],
    ["customer_unanswered", 0, "no-answer"],
    ["to_leg_unanswered", 0, "no-answer"],
    ["agent_unanswered", 0, "failed"],
    ["agent_canceled", 0, "cancelled"],
    ["customer_no_dial", 0, "failed"],
    ["mystery", 0, "unknown"],
  ])("%s with %d s is %s", (call_status, total_talk_time, outcome) => {
    const call = callOf({ call_details: { ...details, call_status, total_talk_time } });
    expect(call).toMatchObject({ phase: "ended", outcome, customer: { number: "+919820000011" } });
  });

  test("goes on while it is active, whatever has been answered", () => {
    const active = { ...details, call_state: "active", call_status: "in-progress" };
    expect(callOf({ event_details: { event_type: "answered" }, call_details: active }).phase).toBe("ringing");
  });
});
