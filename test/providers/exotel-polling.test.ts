import { afterEach, describe, expect, test } from "vitest";
import { polledMethod } from "../../src/core/provider.ts";
import {
  type Asked,
  callAt,
  callOf,
  eventsOf,
  idsOf,
  knownCall,
  openExotel,
  placeAll,
  start,
} from "./exotel-polled.ts";

let api: Asked;
afterEach(() => api.stop());

function at(seconds: number): string {
  return new Date(Date.parse(start) + seconds * 1000).toISOString();
}

function requestsFor(kind: string): number {
  return api.emulator.requests.filter((request) => request.kind === kind).length;
}

describe("asking for the calls of a span", () => {
  test("gives each of them once, the earliest first, also where a page ends within a second", async () => {
    api = await openExotel();
    const calls = Array.from({ length: 250 }, (_, i) =>
      callAt(Math.floor(i / 40), { id: `call-${String(i).padStart(3, "0")}` }),
    );
    placeAll(api.emulator, calls.toReversed());
    const pages: string[][] = [];
    for await (const page of api.pages()) pages.push(idsOf(page));
    expect(pages.map(({ length }) => length)).toEqual([100, 100, 50]);
    expect(pages.flat()).toEqual(calls.map(({ id }) => id));
  });

  test("ends before `until`, and begins with the second of `since`", async () => {
    api = await openExotel();
    placeAll(
      api.emulator,
      [10, 11, 12, 13].map((second) => callAt(second)),
    );
    const span = (from: number, to: number) => ({ since: at(from), until: at(to) });
    expect(idsOf(await api.asked(span(11, 13)))).toEqual(["call-11", "call-12"]);
    expect(idsOf(await api.asked(span(11.5, 13.5)))).toEqual(["call-11", "call-12", "call-13"]);
    expect(await api.asked(span(14, 14))).toEqual([]);
  });

  test("splits what is longer than a month, and leaves out what is beyond the history or yet to come", async () => {
    api = await openExotel();
    api.moveTo("2026-09-10T12:00:00.400Z");
    const days = [3, 40, 80, 120, 160, 193];
    placeAll(
      api.emulator,
      days.map((day) => callAt(day * 86_400)),
    );
    const span = { since: start, until: "2027-01-01T00:00:00.000Z" };
    expect(idsOf(await api.asked(span))).toEqual(days.slice(1).map((day) => `call-${day * 86_400}`));
    expect(api.emulator.requests.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200, 200]);
  });

  test("wraps each call as an answer of the API, without the link that opens its recording", async () => {
    api = await openExotel();
    api.emulator.place(callAt(0, { id: "a" }));
    const [delivery] = await api.asked();
    expect(delivery).toMatchObject({
      installation: "acme",
      provider: "exotel",
      receivedAt: at(86_400),
      method: polledMethod,
      url: "/v1/Accounts/demo/Calls/a.json",
      headers: { "content-type": "application/json" },
    });
    const text = Buffer.from(delivery?.body ?? "").toString();
    expect(JSON.parse(text)).toMatchObject({ Call: { Sid: "a", Details: { ConversationDuration: 61 } } });
    expect(text).not.toContain("PreSigned");
    expect(requestsFor("call")).toBe(0);
  });

  test("asks for the details of calls that were taken where the list has none", async () => {
    api = await openExotel({ bulkDetails: false });
    const missed = { outcome: "no-answer", talkSeconds: 0 } as const;
    placeAll(api.emulator, [callAt(0, missed), callAt(1), callAt(2, { ...missed, outcome: "busy" })]);
    const deliveries = await api.asked();
    expect(requestsFor("call")).toBe(1);
    expect(deliveries.map((one) => callOf([one]).talkSeconds)).toEqual([0, 61, 0]);
  });

  test("takes no leg of a call for a call, and skips what is none", async () => {
    api = await openExotel();
    api.emulator.place(callAt(0));
    const rows = [
      null,
      7,
      "x",
      [],
      {},
      { Sid: null },
      { Sid: "null" },
      { Sid: "a\u0007b" },
      { Sid: "x".repeat(200) },
    ];
    for (const row of rows) api.emulator.placeRow(at(1), row);
    api.emulator.placeRow(at(2), { Sid: "leg", ParentCallSid: "call-0", Status: "completed" });
    api.emulator.placeRow(at(3), {
      Sid: "odd",
      CallSid: "b\u0007",
      call_sid: "c",
      Status: { a: 1 },
      Details: 7,
    });
    api.emulator.placeRow(at(4), { Call: { Sid: "wrapped", Status: "busy" } });
    expect(idsOf(await api.asked())).toEqual(["call-0", "wrapped"]);
    expect(await api.asked()).toHaveLength(3);
  });
});

describe("asking for calls again", () => {
  test("gives those that the API knows, however long ago they were", async () => {
    api = await openExotel();
    api.moveTo("2026-06-01T00:00:00.000Z");
    const seconds = [0, 86_400, 40 * 86_400, 91 * 86_400];
    placeAll(
      api.emulator,
      seconds.map((second) => callAt(second)),
    );
    placeAll(api.emulator, [callAt(50, { id: "not asked for" })]);
    const known = [
      ...seconds.map((second) => knownCall(`call-${second}`, at(second))),
      knownCall("gone", at(0)),
    ];
    const deliveries = await api.askedAgain([...known, knownCall("a,b", at(0)), knownCall("gone too")]);
    expect(idsOf(deliveries)).toEqual(seconds.map((second) => `call-${second}`));
  });

  test("finds a call of this month without its start", async () => {
    api = await openExotel();
    api.emulator.place(callAt(0));
    expect(idsOf(await api.askedAgain([knownCall("call-0")]))).toEqual(["call-0"]);
    expect(await api.askedAgain([])).toEqual([]);
  });

  test("tells the figures and the recording once they are there", async () => {
    api = await openExotel();
    api.emulator.place(callAt(0, { ringSeconds: 4, talkSeconds: 61 }));
    api.moveTo(at(66));
    const early = callOf(await api.askedAgain([knownCall("call-0", at(0))]));
    expect(early).toMatchObject({
      phase: "ended",
      outcome: "completed",
      customer: { number: "+31612345678" },
    });
    expect(early).not.toHaveProperty("talkSeconds");
    expect(early).not.toHaveProperty("endedAt");
    expect(requestsFor("call")).toBe(1);
    api.moveTo(at(66 + 120));
    expect(callOf(await api.askedAgain([early]))).toMatchObject({
      talkSeconds: 61,
      answeredAt: at(4),
      endedAt: at(65),
      recording: { ref: `${api.emulator.url}/exotelrecordings/demo/call-0.mp3`, seconds: 61 },
    });
  });

  test("does not end a call that is going on", async () => {
    api = await openExotel({ listsOngoing: true });
    api.emulator.place(callAt(0, { ringSeconds: 4 }));
    const phaseAt = async (second: number) => {
      api.moveTo(at(second));
      return (await api.asked()).flatMap(eventsOf).map(({ phase }) => phase);
    };
    expect(await phaseAt(2)).toEqual(["ringing"]);
    expect(await phaseAt(30)).toEqual(["answered"]);
    expect(await phaseAt(64)).toEqual(["answered"]);
  });
});
