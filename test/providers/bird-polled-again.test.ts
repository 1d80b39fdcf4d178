import { simulatedCall } from "@switchhook/emulators/test/simulated-call";
import { describe, expect, test } from "vitest";
import type { FoldedCall } from "../../src/core/call.ts";
import { fold } from "../../src/core/fold.ts";
import { bird } from "../../src/providers/bird/index.ts";
import { polling } from "../../src/providers/bird/polling.ts";
import { simulate } from "../contracts/provider.ts";
import { answerWith, birdOf, callOf, contextAt, eventsOf, today } from "./bird-polled.ts";

const uuid = "0b4cbfa2-813f-4b93-8007-265875bb88bb";
const channelId = "b827924e-9789-4c2f-a4d5-b352175354f6";

/** A call of which only its start came. */
const begun = (given: Partial<FoldedCall> = {}): FoldedCall => ({
  callId: uuid,
  legs: [uuid],
  phase: "ringing",
  agents: [],
  startedAt: simulatedCall.startedAt,
  custom: { channelId },
  ...given,
});

describe("a call that is asked for again", () => {
  test("comes with how it ended and with its recording", async () => {
    const { emulator, settings } = await birdOf();
    emulator.place(callOf(uuid));
    const events = eventsOf(await polling.callsAgain(settings, [begun()], contextAt()));
    expect(events.map(({ kind }) => kind)).toEqual(["voice.listed completed", "voice.recordings"]);
    expect(fold(events)).toMatchObject({
      outcome: "completed",
      talkSeconds: 61,
      recording: { ref: `bird:recording:${emulator.recordingOf(uuid).id}.wav`, seconds: 61 },
    });
    expect(emulator.requests.map(({ path }) => path.replace(/.*(?=\/(channels|recordings))/, ""))).toEqual([
      `/channels/${channelId}/calls/${uuid}`,
      "/recordings",
    ]);
  });

  test("never takes a link along, which is a secret and another one every time", async () => {
    const { emulator, settings } = await birdOf();
    emulator.place(callOf(uuid));
    const ask = async () => polling.callsAgain(settings, [begun()], contextAt());
    const bodies = (await ask()).map(({ body }) => Buffer.from(body).toString());
    expect(bodies).toHaveLength(2);
    expect(bodies.join()).not.toMatch(/http|X-Amz/);
    expect((await ask()).map(({ body }) => Buffer.from(body).toString())).toEqual(bodies);
  });

  test("is told without a recording as long as that is not there", async () => {
    let now = Date.parse("2026-01-02T03:05:20.000Z");
    const { emulator, settings } = await birdOf({ now: () => now });
    emulator.place(callOf(uuid), { recordingAfterSeconds: 60 });
    const kinds = async () =>
      eventsOf(await polling.callsAgain(settings, [begun()], contextAt(now))).map(({ kind }) => kind);
    expect(await kinds()).toEqual(["voice.listed completed"]);
    now += 60_000;
    expect(await kinds()).toEqual(["voice.listed completed", "voice.recordings"]);
  });

  test("is not asked for a recording when nobody answered it", async () => {
    const { emulator, settings } = await birdOf();
    emulator.place(callOf(uuid, { outcome: "no-answer", talkSeconds: 0 }));
    const events = eventsOf(await polling.callsAgain(settings, [begun()], contextAt()));
    expect(events.map(({ kind }) => kind)).toEqual(["voice.listed no-answer"]);
    expect(emulator.requests.map(({ kind }) => kind)).toEqual(["call"]);
  });

  test.each([
    ["not known", {}],
    ["gone", { channelId: "880d8171-cbab-47bb-81b6-b1a0902da136" }],
    ["no id", { channelId: "../../other" }],
    ["a number", { channelId: 7 }],
  ])("is found in the log when its channel is %s", async (_, custom) => {
    const { emulator, settings } = await birdOf();
    emulator.place(callOf(uuid));
    emulator.place(callOf("another"));
    const events = eventsOf(await polling.callsAgain(settings, [begun({ custom })], contextAt()));
    expect(events.map(({ callId }) => callId)).toEqual([uuid, uuid]);
    expect(emulator.requests.every(({ path }) => path.startsWith("/workspaces/"))).toBe(true);
  });

  test("and is not known is left out, and its neighbours are told", async () => {
    const { emulator, settings } = await birdOf();
    emulator.place(callOf(uuid));
    const others = ["sim-1", "vcl_01k", "..", "a/b", "a?b", ""].map((callId) => begun({ callId }));
    const told = await polling.callsAgain(
      settings,
      [...others, begun(), begun({ callId: "gone" })],
      contextAt(),
    );
    expect(eventsOf(told).map(({ callId }) => callId)).toEqual([uuid, uuid]);
  });

  test("and that Bird refuses as no id at all is left out as well", async () => {
    const { emulator, settings } = await birdOf();
    emulator.faults.add({ type: "status", status: 422, text: "no UUID", match: "call" });
    expect(await polling.callsAgain(settings, [begun({ callId: "sim-1" })], contextAt())).toEqual([]);
  });

  test("keeps what webhooks told, and gets only what they did not", async () => {
    const { emulator, settings } = await birdOf();
    const call = callOf(uuid);
    emulator.place(call);
    const [started] = simulate(bird, settings, call);
    const told = started ? [{ ...started, facts: { ...started.facts, line: "+31850000000" } }] : [];
    const asked = eventsOf(await polling.callsAgain(settings, [fold(told)], contextAt(today)));
    expect(fold([...told, ...asked])).toMatchObject({ line: "+31850000000", outcome: "completed" });
  });
});

describe("of several recordings", () => {
  const row = (id: string, more: object) => ({
    id,
    status: "available",
    sourceId: uuid,
    format: "mp3",
    ...more,
  });
  const recordingFrom = async (...pages: object[][]) => {
    const { emulator, settings } = await birdOf();
    emulator.place(callOf(uuid));
    for (const [i, results] of pages.entries()) {
      const more = i < pages.length - 1;
      answerWith(emulator, "recordings", { results, ...(more && { nextPageToken: `page ${i}` }) });
    }
    return fold(eventsOf(await polling.callsAgain(settings, [begun()], contextAt()))).recording;
  };

  test("the longest is the call's, on whatever page it is", async () => {
    const short = row("short", { duration: 3, updatedAt: "2026-01-02T05:00:00Z" });
    const long = row("long", { duration: 58, updatedAt: "2026-01-02T04:00:00Z" });
    const expected = { ref: "bird:recording:long.mp3", seconds: 58 };
    expect(await recordingFrom([short], [long])).toEqual(expected);
    expect(await recordingFrom([long], [short])).toEqual(expected);
  });

  test("the newest is, when their lengths are not told", async () => {
    const zero = { duration: 0, startedAt: "2026-01-02T03:00:00Z", endedAt: "0001-01-01T00:00:00Z" };
    const older = row("older", { ...zero, updatedAt: "2026-01-02T04:00:00Z" });
    const newer = row("newer", { ...zero, format: "", updatedAt: "2026-01-02T05:00:00Z" });
    expect(await recordingFrom([older, newer])).toEqual({ ref: "bird:recording:newer" });
    const timed = { ...newer, startedAt: "2026-01-02T03:00:00Z", endedAt: "2026-01-02T03:00:41Z" };
    expect(await recordingFrom([older, timed])).toEqual({ ref: "bird:recording:newer", seconds: 41 });
  });

  test.each([
    ["that is not done", { status: "accepted" }],
    ["that failed", { status: "failed" }],
    ["of another call", { sourceId: "another" }],
    ["of another call, by its old name", { sourceId: undefined, callId: "another" }],
    ["whose id leads elsewhere", { id: "../calls" }],
    ["without an id", { id: null }],
    ["whose status is odd", { status: { available: true } }],
  ])("none is taken %s", async (_, odd) => {
    expect(await recordingFrom([row("r1", { duration: 9, ...odd }), 7 as never])).toBeUndefined();
  });
});

test.each([null, true, 1e308, -1, "", "\u0000", [], [{}], { id: {} }])(
  "takes %j in any field of a recording",
  (odd) => {
    const names = "format duration createdAt updatedAt startedAt endedAt stereo source url".split(" ");
    const odds = Object.fromEntries(names.map((name) => [name, odd]));
    const payloads = [
      { id: uuid, recordings: odd },
      { id: uuid, recordings: [odd, { ...odds, id: "r1", status: "available" }] },
    ];
    const events = payloads.flatMap((payload) =>
      bird.decode({
        installation: "acme",
        provider: "bird",
        receivedAt: "2026-01-03T12:00:00.000Z",
        method: "ASK",
        url: "/",
        headers: {},
        body: Buffer.from(JSON.stringify({ event: "voice.recordings", payload })),
      }),
    );
    expect(events).toEqual([
      {
        callId: uuid,
        at: "2026-01-03T12:00:00.000Z",
        kind: "voice.recordings",
        facts: { recording: { ref: "bird:recording:r1" } },
      },
    ]);
  },
);
