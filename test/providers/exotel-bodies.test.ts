import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Rejected } from "../../src/core/errors.ts";
import { exotel } from "../../src/providers/exotel/index.ts";
import { formFields, nest } from "../../src/providers/exotel/wire.ts";
import { boundary, eventsOf, form, json, multipart, post, query } from "./exotel-requests.ts";

const callback = {
  CallSid: "80bfbec2d78bbbf10fb851f4fa165211",
  EventType: "terminal",
  Status: "completed",
  DateUpdated: "2024-01-15 14:30:45",
  From: "09876543210",
  To: "09123456789",
  Direction: "outbound-api",
  ConversationDuration: "320",
  CustomField: "order 12345 + José",
  RecordingUrl: "https://recordings.exotel.com/a.mp3?sig=a%2Bb",
};
const flat = { ...callback, "Legs[0][Status]": "completed", "Legs[1][Status]": "completed" };
const nested = { ...callback, Legs: [{ Status: "completed" }, { Status: "completed" }] };
const refused = expect.objectContaining({ name: "Rejected", status: 400 });

describe("one callback in every encoding gives the same events", () => {
  const expected = eventsOf(json(nested));

  test("which are not empty", () => {
    expect(expected).toMatchObject([
      { phase: "ended", facts: { talkSeconds: 320, custom: { Leg2Status: "completed" } } },
    ]);
  });

  test.each([
    ["a form", form(flat)],
    ["a query string", query(flat)],
    ["multipart", post(multipart(flat), `multipart/form-data; boundary=${boundary}`)],
    ["multipart without a boundary in the header", post(multipart(flat), "multipart/form-data")],
    [
      "multipart with bare line feeds",
      post(multipart(flat, "\n"), `multipart/form-data; boundary=${boundary}`),
    ],
    ["multipart without content type", post(multipart(flat))],
    ["multipart called a form", post(multipart(flat), "application/x-www-form-urlencoded")],
    ["a form without content type", post(new URLSearchParams(flat).toString())],
    ["a form called multipart", post(new URLSearchParams(flat).toString(), "multipart/form-data")],
    ["JSON without content type", post(JSON.stringify(nested))],
    ["JSON called a form", post(JSON.stringify(nested), "application/x-www-form-urlencoded")],
    ["JSON with a byte order mark", post(`\uFEFF${JSON.stringify(nested)}`, "text/plain")],
    ["an empty POST with a query string", { ...query(flat), method: "POST" }],
  ])("%s", (_name, delivery) => {
    expect(exotel.decode(delivery)).toEqual(expected);
  });

  test("a part of a multipart body that has no name is passed over", () => {
    const nameless = `--${boundary}\r\nContent-Disposition: form-data\r\n\r\nx\r\n`;
    expect(exotel.decode(post(nameless + multipart(flat)))).toEqual(expected);
  });

  test("a file in a multipart body is passed over", () => {
    const file = `--${boundary}\r\nContent-Disposition: form-data; name="f"; filename="a.mp3"\r\n\r\nxyz\r\n`;
    expect(exotel.decode(post(file + multipart(flat)))).toEqual(expected);
  });
});

describe("bracketed names", () => {
  test("keep a gap: a second leg alone stays the second", () => {
    const [event] = eventsOf(form({ CallSid: "a", EventType: "terminal", "Legs[1][Status]": "busy" }));
    expect(event?.facts.custom).toEqual({ Leg2Status: "busy" });
  });

  test("may be deeper: the insights of a leg", () => {
    const [event] = eventsOf(
      form({
        CallSid: "a",
        "Legs[1][Insights][Status]": "completed",
        "Legs[1][Insights][RingingDuration]": "4.39",
        "Insights[DialCallStatus]": "completed",
      }),
    );
    expect(event).toMatchObject({ phase: "ended", facts: { ringSeconds: 4.39, outcome: "completed" } });
  });

  test("are read five deep and five hundred long", () => {
    const deep = [
      ["a[b][c][d][e]", "1"],
      ["a[b][c][d][f][g]", "2"],
    ] as const;
    expect(JSON.stringify(nest(deep))).toBe('{"a":{"b":{"c":{"d":{"e":"1"}}}}}');
    const many = Array.from({ length: 600 }, (_, i) => [`n${i}`, "1"] as const);
    expect(Object.keys(nest(many))).toHaveLength(500);
  });

  test.each([
    [
      "?a=1&&b=&c&=d&e=%41%zz+%2B&f=1=2",
      [
        ["?a", "1"],
        ["b", ""],
        ["c", ""],
        ["", "d"],
        ["e", "A%zz +"],
        ["f", "1=2"],
      ],
    ],
    ["&&&", []],
    ["", []],
  ])("%j is read field by field as a whole form is", (text, fields) => {
    expect([...formFields(text)]).toEqual(fields);
    expect([...formFields(text)]).toEqual([...new URLSearchParams(`&${text}`)]);
  });

  test("a value is read as far as that of a multipart form", () => {
    expect([...formFields(`a=${"b".repeat(100_000)}&c=d`)]).toEqual([
      ["a", "b".repeat(65_534)],
      ["c", "d"],
    ]);
  });

  test.each([
    ["a deep name", `CallSid=a&Status=busy&Legs${"[0]".repeat(50_000)}=x`],
    ["many names", `CallSid=a&Status=busy&${"Legs[0][x]=1&".repeat(100_000)}`],
    ["open brackets", `CallSid=a&Status=busy&${"[".repeat(500_000)}=1`],
    ["a huge index", "CallSid=a&Status=busy&Legs[999999999999][Status]=busy"],
    ["a leg that is a text", "CallSid=a&Status=busy&Legs=x&Legs[0]=y&Legs[0][Status][z]=1"],
    [
      "prototype names",
      "CallSid=a&Status=busy&__proto__[Status]=completed&Legs[__proto__][Status]=completed&constructor[prototype][x]=1",
    ],
  ])("do no harm: %s", (_name, body) => {
    expect(eventsOf(post(body))).toMatchObject([{ callId: "a", facts: { outcome: "busy" } }]);
    expect(Object.hasOwn(Object.prototype, "Status")).toBe(false);
  });
});

describe("is refused with 400", () => {
  test.each([
    ["a form without a call", post("Legs[1][Status]=completed")],
    ["a query without a call", query({ a: "b" })],
    ["a multipart body that was cut off", post(multipart(flat).slice(0, -20))],
    ["a multipart body that never begins", post("--")],
    ["text that is not UTF-8", post(Buffer.from([0x7b, 0xff, 0xfe]))],
    ["a call id that is too long", json({ CallSid: "x".repeat(129), Status: "busy" })],
    ["a call id with a control character", json({ CallSid: "a\u0000b", Status: "busy" })],
    ["a call id that is half a character", json({ CallSid: "a\ud800", Status: "busy" })],
    ["a call id that says null", form({ CallSid: "null", Status: "busy" })],
    ["a call id that is an object", json({ CallSid: { a: 1 } })],
  ])("%s", (_name, delivery) => {
    expect(() => exotel.read(delivery)).toThrow(refused);
    expect(() => exotel.decode(delivery)).toThrow(refused);
  });
});

test("an unknown event is named and says nothing", () => {
  for (const message of [{ event: "call_transferred", call_sid: "a" }, { event: "call_transferred" }]) {
    expect(exotel.read(json(message)).kind).toBe("call_transferred");
    expect(exotel.decode(json(message))).toEqual([]);
  }
  expect(exotel.decode(json({ CallSid: "a", EventType: "hold", Status: "in-progress" }))).toEqual([]);
  expect(exotel.decode(json({ CallSid: "a" }))).toEqual([]);
});

test("whatever the members are, nothing but a refusal is thrown and no unknown fact is told", () => {
  const names = [
    "CallSid",
    "call_sid",
    "event",
    "Status",
    "EventType",
    "Legs",
    "From",
    "To",
    "Direction",
    "timestamp",
    "Call",
    "Sid",
    "Details",
    "CallType",
    "AgentEmail",
    "FromNumber",
    "CallRecordings",
    "RecordingUrl",
    "caller_info",
    "talk_time",
    "EndTime",
    "digits",
    "__proto__",
  ];
  const words = fc.constantFrom(
    "a",
    "incoming_call",
    "call_completed",
    "terminal",
    "completed",
    "inbound",
    "busy",
    "null",
    "0",
  );
  const value = fc.oneof(words, fc.jsonValue({ maxDepth: 3 }), fc.string({ unit: "binary" }), fc.double());
  const message = fc.dictionary(fc.constantFrom(...names), value);
  fc.assert(
    fc.property(message, (fields) => {
      try {
        const events = exotel.decode(json(fields));
        expect(JSON.parse(JSON.stringify(events))).toEqual(events);
        expect(JSON.stringify(events)).not.toMatch(/null|\\u0000|:""/);
      } catch (error) {
        if (!(error instanceof Rejected)) throw error;
      }
    }),
    { numRuns: 2_000, seed: 8484 },
  );
});
