import { describe, expect, test } from "vitest";
import { exotelTime, toExotelTime } from "../../src/providers/exotel/values.ts";
import { callOf, eventsOf, json, query } from "./exotel-requests.ts";

const base = { CallSid: "a", CallFrom: "09000000022", CallTo: "09000000023", Direction: "incoming" };
const popup = {
  ...base,
  DialWhomNumber: "09000000024",
  AgentEmail: "a@example.com",
  CurrentTime: "2022-02-23 12:32:02",
};

describe("pop-ups", () => {
  test("Dial with busy is an agent's ringing phone, never a busy call", () => {
    const call = callOf({ ...popup, EventType: "Dial", Status: "busy" });
    expect(call).toMatchObject({
      phase: "ringing",
      agents: [{ ids: ["09000000024"], email: "a@example.com" }],
    });
    expect(call).not.toHaveProperty("outcome");
  });

  test("need no more than the state of the line", () => {
    expect(callOf({ CallSid: "a", EventType: "Dial", Status: "busy" })).not.toHaveProperty("outcome");
    expect(callOf({ CallSid: "a", Status: "free" })).toMatchObject({ phase: "ended", outcome: "unknown" });
  });

  test("are sent for each agent", () => {
    const second = { ...popup, DialWhomNumber: "09000000025", AgentEmail: "b@example.com" };
    const call = callOf(
      { ...popup, EventType: "Dial", Status: "busy" },
      { ...second, EventType: "Dial", Status: "busy" },
    );
    expect(call.agents.map(({ email }) => email)).toEqual(["a@example.com", "b@example.com"]);
  });

  test.each([
    { EventType: "Terminal", Status: "free" },
    { EventType: "Terminal", Status: "busy" },
    { Status: "free" },
  ])("%j is the end, nobody says how", (fields) => {
    expect(callOf({ ...popup, ...fields })).toMatchObject({ phase: "ended", outcome: "unknown" });
  });

  test("name an agent by e-mail when there is no number", () => {
    const { agents } = callOf({
      CallSid: "a",
      EventType: "Dial",
      Status: "busy",
      AgentEmail: "a@example.com",
    });
    expect(agents).toEqual([{ ids: ["a@example.com"], email: "a@example.com" }]);
  });
});

describe("Passthru", () => {
  test.each([
    [{ CallType: "call-attempt" }, "ringing", undefined],
    [{ CallType: "call-attempt", CallStatus: "in-progress" }, "ringing", undefined],
    [{ CallType: "incomplete" }, "ended", "no-answer"],
    [{ CallType: "incomplete", DialCallStatus: "busy" }, "ended", "busy"],
    [{ CallType: "client-hangup" }, "ended", "cancelled"],
    [{ CallType: "voicemail", DialCallStatus: "no-answer" }, "ended", "voicemail"],
    [{ CallType: "completed", DialCallStatus: "completed", DialCallDuration: "9" }, "ended", "completed"],
    [{ CallType: "completed", DialCallStatus: "completed", DialCallDuration: "0" }, "ended", "abandoned"],
    [{ DialCallStatus: "failed" }, "ended", "failed"],
    [{ CallType: "incomplete", AgentEmail: "a@example.com" }, "ended", "no-answer"],
  ])("%j is %s, %s", (fields, phase, outcome) => {
    const call = callOf({ ...base, ...fields });
    expect([call.phase, call.outcome]).toEqual([phase, outcome]);
  });

  test("unwraps digits and takes the text null for nothing", () => {
    const [event] = eventsOf(
      query({
        ...base,
        CallType: "call-attempt",
        digits: '"123"',
        ForwardedFrom: "null",
        CustomField: "null",
      }),
    );
    expect(event?.facts.custom).toEqual({ digits: "123" });
  });

  test("of an outgoing call has the customer in CallTo", () => {
    const fields = { ...base, Direction: "outbound-dial", OutgoingPhoneNumber: "09000000025" };
    const call = callOf(fields);
    expect(call).toMatchObject({
      direction: "outbound",
      customer: { number: "09000000023" },
      line: "09000000025",
    });
    expect(call.agents).toEqual([{ ids: ["09000000022"] }]);
  });
});

describe("PascalCase notifications", () => {
  const call = {
    CallSid: "a",
    Direction: "outbound",
    FromNumber: "sip:ajay",
    ToNumber: "09000000026",
    VirtualNumber: "+912235511457",
    TotalDuration: "",
  };

  test.each([
    [{ CallStatus: "busy", CallState: "" }, "ringing", undefined],
    [{ CallStatus: "busy", CallState: "active" }, "ringing", undefined],
    [{ CallStatus: "busy", CallState: "terminal" }, "ended", "unknown"],
    [{ CallStatus: "free", CallState: "", TotalDuration: 0 }, "ended", "unknown"],
    [{ CallStatus: "no-answer", CallState: "terminal" }, "ended", "no-answer"],
  ])("%j is %s, %s", (fields, phase, outcome) => {
    const folded = callOf({ ...call, ...fields });
    expect([folded.phase, folded.outcome]).toEqual([phase, outcome]);
    expect(folded).not.toHaveProperty("talkSeconds");
  });

  test("tell that the agent talked, of a call that was completed", () => {
    const folded = callOf({ ...call, AppUserID: "ajay", CallStatus: "completed", CallState: "terminal" });
    expect(folded.agents).toMatchObject([{ ids: ["ajay", "sip:ajay"], talkedAt: expect.any(String) }]);
  });

  test("tell of the end, the recording and the agent", () => {
    const folded = callOf({
      ...call,
      AppUserID: "ajay",
      DialWhomNumber: "09000000026",
      CallState: "terminal",
      CallRecordings: "https://recordings.exotel.com/a.mp3",
      StartTime: "2024-01-15 14:25:12",
      EndTime: "2024-01-15 14:30:45",
    });
    expect(folded).toMatchObject({
      customer: { number: "09000000026" },
      agents: [{ ids: ["ajay", "sip:ajay"] }],
      recording: { ref: "https://recordings.exotel.com/a.mp3" },
      startedAt: "2024-01-15T08:55:12.000Z",
      endedAt: "2024-01-15T09:00:45.000Z",
    });
  });
});

test("the Call details API is read bare and while the call lasts", () => {
  const details = {
    Sid: "a",
    Status: "in-progress",
    Direction: "inbound",
    From: "09000000022",
    EndTime: null,
    Details: null,
  };
  expect(callOf(details)).toMatchObject({
    callId: "a",
    phase: "ringing",
    customer: { number: "09000000022" },
  });
  const [event] = eventsOf(
    json({ Call: { ...details, Details: { Leg1Status: "in-progress", Leg2Status: "in-progress" } } }),
  );
  expect(event).toMatchObject({ kind: "call_details", phase: "answered" });
});

test("the Call details API counts its legs from 1, in any order", () => {
  const legs = (first: number, second: number) => [
    { Leg: { Id: 2, OnCallDuration: second } },
    { Leg: { Id: 1, OnCallDuration: first } },
  ];
  const call = (Legs: unknown) =>
    callOf({
      Call: {
        ...{ Sid: "a", Status: "completed", EndTime: "2024-01-15 14:30:45" },
        Details: { ConversationDuration: 0, Legs },
      },
    });
  expect(call(legs(0, 8)).outcome).toBe("completed");
  expect(call(legs(8, 0)).outcome).toBe("abandoned");
  expect(call({ Leg: null }).outcome).toBe("abandoned");
});

describe("times of Exotel", () => {
  test.each([
    ["2024-01-15 14:30:45", "2024-01-15T09:00:45.000Z"],
    ["2024-01-15T14:30:45", "2024-01-15T09:00:45.000Z"],
    ["2024-03-01 02:00:00", "2024-02-29T20:30:00.000Z"],
    ["Wed, 23 Feb 2022 12:31:59", "2022-02-23T07:01:59.000Z"],
    ["2024-01-15T14:30:45+05:30", "2024-01-15T09:00:45.000Z"],
    ["2024-06-15T10:30:00.000Z", "2024-06-15T10:30:00.000Z"],
  ])("%s is %s", (text, iso) => {
    expect(exotelTime(text)).toBe(iso);
  });

  test.each([
    "",
    "null",
    "0000-00-00 00:00:00",
    "1970-01-01 05:30:00",
    "0001-01-01T00:00:00Z",
    "2024-02-30 10:00:00",
    "2024-01-15 25:00:00",
    "2024-01-15 10:60:00",
    "2024-01-15 10:20:61",
    "Wed, 31 Feb 2022 12:31:59",
    "Wed, 1 Foo 2022 12:31:59",
    "yesterday",
    "1e9",
  ])("%j is no time", (text) => {
    expect(exotelTime(text)).toBeUndefined();
  });

  test("are written back without zone", () => {
    expect(toExotelTime(Date.parse("2024-01-15T09:00:45.000Z"))).toBe("2024-01-15 14:30:45");
  });
});
