import { type RetellEmulator, type RetellOptions, startRetell } from "@switchhook/emulators/retell";
import { afterEach, describe, expect, test } from "vitest";
import { fold } from "../../src/core/fold.ts";
import { polling } from "../../src/providers/retell/polling.ts";
import {
  contextAt,
  evening,
  eventsOf,
  madeUpCalls,
  noon,
  pagesOf,
  requestsOf,
  settingsOf,
  wholeDay,
} from "./retell-polled.ts";

let emulator: RetellEmulator;
afterEach(() => emulator.stop());

async function placed(count: number, options: RetellOptions = {}) {
  emulator = await startRetell({ now: () => evening, ...options });
  const calls = madeUpCalls(count, 7);
  for (const call of calls) emulator.place(call);
  return calls;
}

const idsOf = (events: readonly { callId: string }[]) => events.map(({ callId }) => callId).sort();

/** When a call starts for Retell: an outbound one when it is answered. */
const startOf = (call: ReturnType<typeof madeUpCalls>[number]) =>
  Date.parse(call.startedAt) +
  (call.direction === "outbound" && call.outcome === "completed" ? call.ringSeconds * 1000 : 0);

describe("the calls of a span", () => {
  test("come page by page, each once, the earliest first", async () => {
    const calls = await placed(130);
    const pages = await pagesOf(emulator);
    expect(pages.map(({ length }) => length)).toEqual([50, 50, 30]);
    const events = await eventsOf(emulator);
    expect(idsOf(events)).toEqual(calls.map(({ id }) => id).sort());
    const starts = events.map(({ facts }) => facts.startedAt);
    expect(starts).toEqual([...starts].sort());
  });

  test("fall into the one or the other of two spans that meet, also on the very millisecond", async () => {
    const calls = await placed(60);
    const border = new Date(startOf(calls[30] as (typeof calls)[number])).toISOString();
    const before = await eventsOf(emulator, { since: wholeDay.since, until: border });
    const after = await eventsOf(emulator, { since: border, until: wholeDay.until });
    expect(idsOf([...before, ...after])).toEqual(calls.map(({ id }) => id).sort());
    expect(after.map(({ facts }) => facts.startedAt)).toContain(border);
    expect(before.every(({ facts }) => (facts.startedAt ?? "") < border)).toBe(true);
  });

  test("are told as answers of the API, marked as asked for", async () => {
    await placed(1);
    const [[delivery] = []] = await pagesOf(emulator);
    expect(delivery).toMatchObject({
      ...{ installation: "acme", provider: "retell", method: "ASK" },
      receivedAt: new Date(evening).toISOString(),
      headers: { "content-type": "application/json" },
    });
    expect(delivery?.url).toMatch(/^\/v[23]\/(list-calls|get-call\/call_7_0000)$/);
  });

  test("have their transcripts, which the list leaves out; nobody asks for one where nobody talked", async () => {
    const calls = await placed(40);
    const events = await eventsOf(emulator);
    const talked = calls.filter(({ outcome }) => outcome === "completed");
    expect(events.filter(({ facts }) => facts.transcript?.startsWith("Agent: "))).toHaveLength(talked.length);
    expect(requestsOf(emulator, "get")).toBe(talked.length);
  });

  test("are none in a span without calls", async () => {
    await placed(3);
    expect(await pagesOf(emulator, { since: "2026-11-17T00:00:00.000Z", until: wholeDay.since })).toEqual([]);
  });
});

describe("a call", () => {
  const [call] = madeUpCalls(1, 3).map((made) => ({
    ...made,
    ...({ direction: "inbound", outcome: "completed", talkSeconds: 60 } as const),
  }));
  let now = noon;
  const at = async (seconds: number) => {
    emulator = await startRetell({ now: () => now });
    if (call) emulator.place(call);
    now = Date.parse(call?.startedAt ?? "") + seconds * 1000;
    return fold(
      await eventsOf(
        emulator,
        wholeDay,
        contextAt(() => now),
      ),
    );
  };

  test("that goes on has no end, no length and no outcome", async () => {
    const going = await at(30);
    expect(going).toMatchObject({ phase: "answered", startedAt: call?.startedAt });
    for (const fact of ["endedAt", "talkSeconds", "outcome", "recording", "transcript", "summary"])
      expect(going).not.toHaveProperty(fact);
  });

  test("that has just ended is not analysed yet, and not recorded", async () => {
    const ended = await at(61);
    expect(ended).toMatchObject({ phase: "ended", outcome: "completed", talkSeconds: 60 });
    expect(ended.transcript).toBeDefined();
    expect(ended).not.toHaveProperty("summary");
    expect(ended).not.toHaveProperty("recording");
  });

  test("of two minutes ago has all", async () => {
    const settled = await at(60 + 120);
    expect(settled).toMatchObject({ summary: expect.any(String), sentiment: "Positive" });
    expect(settled.recording?.ref).toBe(`${emulator.url}/recordings/${call?.id}/recording.wav`);
  });
});

describe("calls that are asked for again", () => {
  test("are told as they are now, and without those that the API does not know", async () => {
    const calls = await placed(9);
    const asked = [...calls, { id: "call_deleted" }, { id: "../v3/list-calls" }].map(({ id }) =>
      fold([{ callId: id, at: wholeDay.since, kind: "call_started", facts: {} }]),
    );
    const answers = await polling.callsAgain(
      settingsOf(emulator),
      asked,
      contextAt(() => evening),
    );
    expect(answers.map(({ url }) => url)).toEqual(calls.map(({ id }) => `/v2/get-call/${id}`));
  });

  test("are the same bytes at the same place as in the list", async () => {
    const calls = (await placed(20)).filter(({ outcome }) => outcome === "completed");
    const listed = (await pagesOf(emulator)).flat();
    const asked = calls.map(({ id }) =>
      fold([{ callId: id, at: wholeDay.since, kind: "call_started", facts: {} }]),
    );
    const again = await polling.callsAgain(
      settingsOf(emulator),
      asked,
      contextAt(() => evening),
    );
    for (const answer of again) expect(listed).toContainEqual(answer);
  });
});
