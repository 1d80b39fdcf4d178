import { describe, expect, test } from "vitest";
import type { CallEvent } from "../../src/core/call.ts";
import { canonical, fold } from "../../src/core/fold.ts";
import { callOf, eventsOf, form, json, multipart, post, query } from "./exotel-requests.ts";

const call_sid = "80bfbec2d78bbbf10fb851f4fa165211";
const incoming = {
  event: "incoming_call",
  call_sid,
  direction: "inbound",
  from: "+919876543210",
  to: "sip:agent_001@app.exotel.com",
  user_id: "agent_001",
  exophone: "+911234567890",
  timestamp: "2024-06-15T10:30:00.000Z",
};
const answered = {
  event: "call_answered",
  call_sid,
  answered_by: "agent_001",
  timestamp: "2024-06-15T10:30:05.000Z",
};
const completed = {
  event: "call_completed",
  call_sid,
  status: "completed",
  duration: 300,
  talk_time: 295,
  timestamp: "2024-06-15T10:35:00.000Z",
};
const recording = {
  event: "recording_ready",
  call_sid,
  recording_url: "https://recordings.exotel.com/a.mp3",
  duration: 295,
  timestamp: "2024-06-15T10:36:00.000Z",
};
const passthru = {
  CallSid: call_sid,
  CallFrom: "09876543210",
  CallTo: "01234567890",
  Direction: "incoming",
  CallType: "completed",
  DialCallStatus: "completed",
  DialCallDuration: "299",
  "Legs[0][OnCallDuration]": "295",
  DialWhomNumber: "sip:agent_001",
  StartTime: "2024-06-15 16:00:00",
  EndTime: "1970-01-01 05:30:00",
  CurrentTime: "2024-06-15 16:05:01",
};
const callback = {
  CallSid: call_sid,
  EventType: "terminal",
  Status: "completed",
  Direction: "inbound",
  From: "09876543210",
  To: "sip:agent_001",
  PhoneNumberSid: "01234567890",
  StartTime: "2024-06-15 16:00:00",
  EndTime: "2024-06-15 16:05:00",
  DateUpdated: "2024-06-15 16:05:02",
  ConversationDuration: "295",
  CustomField: "order_12345",
  RecordingUrl: "https://recordings.exotel.com/a.mp3",
};

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, i) => permutations(items.toSpliced(i, 1)).map((rest) => [item, ...rest]));
}

test("a call told by notifications, Passthru and StatusCallback is one call in every order", () => {
  const events = [
    ...eventsOf(json(incoming), json(answered), json(completed), json(recording)),
    ...eventsOf(query(passthru), post(multipart(callback))),
  ];
  expect(events).toHaveLength(6);
  const call = fold(events);
  expect(call).toEqual({
    callId: call_sid,
    legs: [call_sid],
    phase: "ended",
    direction: "inbound",
    customer: { number: "+919876543210" },
    line: "+911234567890",
    agents: [
      {
        ids: ["agent_001", "sip:agent_001@app.exotel.com", "sip:agent_001"],
        talkedAt: "2024-06-15T10:35:02.000Z",
      },
    ],
    startedAt: "2024-06-15T10:30:00.000Z",
    answeredAt: "2024-06-15T10:30:05.000Z",
    endedAt: "2024-06-15T10:35:00.000Z",
    talkSeconds: 295,
    outcome: "completed",
    reason: "completed",
    recording: { ref: "https://recordings.exotel.com/a.mp3", seconds: 295 },
    custom: { CustomField: "order_12345", DialCallDuration: "299" },
  });
  for (const order of permutations<CallEvent>(events)) {
    expect(canonical(fold([...order, ...order.slice(0, 2)]))).toBe(canonical(call));
  }
});

describe("an end that was told stays", () => {
  test("when `answered` arrives after it", () => {
    const late = form({
      CallSid: call_sid,
      EventType: "answered",
      Status: "in-progress",
      DateUpdated: "2024-06-15 16:00:06",
      "Legs[0][Status]": "in-progress",
      "Legs[1][Status]": "in-progress",
    });
    const call = fold(eventsOf(json(callback), late));
    expect(call).toMatchObject({
      phase: "ended",
      outcome: "completed",
      answeredAt: "2024-06-15T10:30:06.000Z",
    });
  });

  test("when a pop-up says later that the agent's line is free", () => {
    const free = { ...passthru, CallType: undefined, DialCallStatus: undefined };
    const popup = { ...free, EventType: "Terminal", Status: "free", CurrentTime: "2024-06-15 16:06:00" };
    expect(callOf(callback, popup)).toMatchObject({
      phase: "ended",
      outcome: "completed",
      reason: "completed",
    });
  });

  test("when the minimal callback repeats it with an empty recording", () => {
    const minimal = {
      CallSid: call_sid,
      DateUpdated: "2024-06-15 16:05:02",
      Status: "completed",
      RecordingUrl: "",
    };
    expect(callOf(callback, minimal)).toMatchObject({
      talkSeconds: 295,
      customer: { number: "09876543210" },
      recording: { ref: callback.RecordingUrl },
    });
  });
});
