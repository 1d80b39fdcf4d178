import { describe, expect, test } from "vitest";
import { fold } from "../../src/core/fold.ts";
import { callOf, eventsOf, form, json, query } from "./exotel-requests.ts";

const callback = {
  CallSid: "a",
  EventType: "terminal",
  DateUpdated: "2026-02-02 10:00:42",
  StartTime: "2026-02-02 10:00:00",
  EndTime: "2026-02-02 10:00:40",
  PhoneNumberSid: "08040000022",
  Status: "completed",
};
const inbound = { ...callback, Direction: "inbound", From: "09820000011", To: "09000000024" };
const outbound = { ...callback, Direction: "outbound-api", From: "09000000024", To: "09820000011" };

describe("completed, although the second leg was not", () => {
  test.each([
    ["no-answer", "no-answer"],
    ["busy", "busy"],
    ["failed", "failed"],
    ["canceled", "abandoned"],
    ["null", "abandoned"],
    [null, "abandoned"],
    ["completed", "completed"],
  ])(
    "%s of an incoming call is %s, whether ConversationDuration is absent, empty or null",
    (Status, outcome) => {
      const Legs = [
        { Status: "completed", OnCallDuration: 30 },
        { Status, OnCallDuration: 0 },
      ];
      for (const more of [{}, { ConversationDuration: "" }, { ConversationDuration: null }])
        expect(callOf({ ...inbound, ...more, Legs }).outcome).toBe(outcome);
    },
  );

  test.each([
    ["no-answer", "no-answer"],
    ["canceled", "cancelled"],
    [null, "cancelled"],
  ])("%s of an outgoing call is %s", (Status, outcome) => {
    const Legs = [{ Status: "completed", OnCallDuration: 30 }, { Status }];
    expect(callOf({ ...outbound, Legs }).outcome).toBe(outcome);
  });

  test("as a form writes the legs, and as Call details do", () => {
    const legs = {
      "Legs[0][Status]": "completed",
      "Legs[1][Status]": "busy",
      "Legs[1][OnCallDuration]": "0",
    };
    expect(fold(eventsOf(form({ ...inbound, ...legs }))).outcome).toBe("busy");
    const { CallSid: Sid, EventType: _, ...details } = inbound;
    const Details = { ConversationDuration: null, Leg1Status: "completed", Leg2Status: "busy", Legs: [] };
    expect(callOf({ Call: { ...details, Sid, Details } }).outcome).toBe("busy");
  });

  test("a second leg that is not told of says nothing", () => {
    expect(callOf({ ...inbound, Legs: [{ Status: "completed" }] }).outcome).toBe("completed");
    expect(
      callOf({ ...inbound, ConversationDuration: 12, Legs: [{}, { Status: "no-answer" }] }).outcome,
    ).toBe("completed");
  });
});

describe("a call of one leg", () => {
  const Legs = [{ OnCallDuration: 30, Status: "completed", AnsweredBy: "Human" }];
  const one = { ...callback, Direction: "outbound-api", From: "09820000011", Legs };

  test.each(["08040000022", "+918040000022", null, undefined])(
    "has the customer in From with To %s",
    (To) => {
      const call = callOf({ ...one, To });
      expect(call).toMatchObject({
        customer: { number: "09820000011" },
        talkSeconds: 30,
        outcome: "completed",
      });
      expect(call).not.toHaveProperty("otherEnd");
      expect(call.agents).toEqual([]);
    },
  );

  test("has its machine there", () => {
    const machine = [{ OnCallDuration: 9, Status: "completed", AnsweredBy: "MACHINE" }];
    expect(callOf({ ...one, To: "08040000022", Legs: machine })).toMatchObject({ outcome: "voicemail" });
  });

  test("is not one when another number was to be dialled", () => {
    const call = callOf({ ...one, To: "09820000012" });
    expect(call).not.toHaveProperty("talkSeconds");
    expect(call).toMatchObject({ customer: { number: "09820000012" }, otherEnd: { number: "09820000011" } });
  });

  test("names nobody before it is over", () => {
    const call = callOf({ ...one, EventType: "answered", EndTime: "", Status: "in-progress", To: null });
    expect(call).not.toHaveProperty("customer");
  });
});

describe("an outgoing call", () => {
  test("to a SIP user that rang the customer first is certain", () => {
    const call = callOf({ ...outbound, From: "09820000011", To: "sip:asha", ConversationDuration: 3 });
    expect(call).toMatchObject({
      customer: { number: "09820000011" },
      agents: [{ ids: ["asha", "sip:asha"] }],
    });
    expect(call).not.toHaveProperty("otherEnd");
  });

  test("of two numbers guesses that To is the customer, and that a machine on the other leg would be theirs", () => {
    const Legs = [{ Status: "completed", AnsweredBy: "machine" }, { Status: "completed" }];
    const [event] = eventsOf(json({ ...outbound, ConversationDuration: 3, Legs }));
    expect(event?.facts).toMatchObject({
      customer: { number: "09820000011" },
      otherEnd: { number: "09000000024" },
      outcome: "completed",
      otherOutcome: "voicemail",
    });
  });
});

describe("a flow", () => {
  const passthru = { CallSid: "a", CallFrom: "09820000011", CallTo: "08040000022", Direction: "incoming" };

  test.each([
    [{ CallType: "incomplete", CallStatus: "ringing", EndTime: "0000-00-00 00:00:00" }, "ringing"],
    [{ CallType: "incomplete", CallStatus: "in-progress", EndTime: "1970-01-01 05:30:00" }, "ringing"],
    [{ CallType: "incomplete", CallStatus: "in-progress", DialCallStatus: "no-answer" }, "ended"],
    [{ CallType: "incomplete", CallStatus: "completed" }, "ended"],
    [{ CallType: "incomplete", CallStatus: "ringing", EndTime: "2026-02-02 10:00:40" }, "ended"],
    [{ CallType: "client-hangup", CallStatus: "in-progress" }, "ended"],
    [{ CallType: "call-attempt", CallStatus: "canceled" }, "ended"],
  ])("%j is %s", (fields, phase) => {
    expect(callOf({ ...passthru, ...fields }).phase).toBe(phase);
  });

  test("that rang the customer names them by CallFrom, unless it dials from another line", () => {
    const out = { ...passthru, Direction: "outbound-dial", CallType: "call-attempt" };
    expect(callOf(out)).toMatchObject({ customer: { number: "09820000011" }, line: "08040000022" });
    const other = { ...out, OutgoingPhoneNumber: "08040000099" };
    expect(callOf(other)).toMatchObject({ customer: { number: "08040000022" }, line: "08040000099" });
    expect(callOf({ ...other, DialWhomNumber: "09000000024" }).customer).toEqual({ number: "09820000011" });
  });

  test("a raw plus in the query stays one", () => {
    const raw = {
      ...query({}),
      url: "/?CallSid=a&CallFrom=+6581234567&CallTo=+6531581234&Direction=incoming",
    };
    expect(fold(eventsOf(raw))).toMatchObject({ customer: { number: "+6581234567" }, line: "+6531581234" });
  });
});

test.each([
  ["from_leg_unanswered", "no-answer"],
  ["to_leg_no_dial", "failed"],
  ["customer_canceled", "cancelled"],
  ["No Answer", "no-answer"],
])("the status %s is %s", (Status, outcome) => {
  expect(callOf({ ...inbound, Status })).toMatchObject({
    phase: "ended",
    outcome,
    reason: expect.any(String),
  });
});

test("a status without a clear sense ends the call when it has an end", () => {
  const { EventType: _, ...rest } = inbound;
  const call = callOf({ ...rest, Status: "timed_out" });
  expect(call).toMatchObject({ phase: "ended", outcome: "unknown", reason: "timed-out" });
  expect(eventsOf(json({ ...rest, Status: "timed_out", EndTime: "" }))).toEqual([]);
});

test.each([
  ["outbound", "from_leg_unanswered", "failed"],
  ["outbound", "to_leg_unanswered", "no-answer"],
  ["outbound", "from_leg_cancelled", "cancelled"],
  ["inbound", "to_leg_unanswered", "no-answer"],
])("a PascalCase notification of an %s call: %s is %s", (Direction, CallStatus, outcome) => {
  const call = { CallSid: "a", FromNumber: "sip:asha", ToNumber: "09820000011", CallState: "terminal" };
  expect(callOf({ ...call, Direction, CallStatus })).toMatchObject({ phase: "ended", outcome });
});

test.each(["", "null", "None", "undefined"])("the leg status %j is none", (Status) => {
  const Legs = [{ Status: "completed" }, { Status, OnCallDuration: 0 }];
  expect(callOf({ ...inbound, Legs }).outcome).toBe("abandoned");
});
