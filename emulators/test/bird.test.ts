import { describe, expect, onTestFinished, test } from "vitest";
import { type BirdEmulator, type BirdOptions, startBird } from "../bird/index.ts";
import { simulatedCall } from "./simulated-call.ts";

const workspace = "/workspaces/07817c84-ed36-45be-8d6d-b6d432ca8f0b";
const channel = "b827924e-9789-4c2f-a4d5-b352175354f6";
const ended = Date.parse(simulatedCall.startedAt) + 65_000;

async function bird(options: BirdOptions = {}): Promise<BirdEmulator> {
  const emulator = await startBird({ requestsPerSecond: false, ...options });
  onTestFinished(() => emulator.stop());
  return emulator;
}

type Row = Record<string, unknown>;
type Answer = { status: number; body: Row & { results: Row[]; nextPageToken?: string } };

async function ask({ url }: BirdEmulator, path: string, key = "AccessKey bird-access-key"): Promise<Answer> {
  const response = await fetch(`${url}${path}`, { headers: { authorization: key } });
  return { status: response.status, body: (await response.json()) as Answer["body"] };
}

describe("an answer is refused", () => {
  test.each(["", "bird-access-key", "Bearer bird-access-key", "AccessKey wrong"])(
    "to the credentials %j",
    async (key) => {
      const answer = await ask(await bird(), `${workspace}/channels/calls`, key);
      expect(answer).toMatchObject({ status: 401, body: { code: "Unauthorized" } });
    },
  );

  test("in another workspace, and at an unknown path", async () => {
    const emulator = await bird();
    for (const path of ["/workspaces/other/channels/calls", `${workspace}/calls`])
      expect(await ask(emulator, path)).toMatchObject({ status: 404, body: { code: "NotFound" } });
  });

  test.each([
    ["channels/calls", "limit=0"],
    ["channels/calls", "limit=1001"],
    ["channels/calls", "limit=ten"],
    ["channels/calls", "startAt=yesterday"],
    ["channels/calls", "endAt=2026-01-02"],
    ["channels/calls", "pageToken=made-up"],
    ["recordings", "limit=100"],
    ["recordings", "endAt=1767225600"],
  ])("to %s?%s", async (path, query) => {
    const answer = await ask(await bird(), `${workspace}/${path}?${query}`);
    expect(answer).toMatchObject({ status: 422, body: { code: "InvalidPayload" } });
  });

  test("to more than fifty requests in any second of its clock", async () => {
    let now = ended;
    const emulator = await startBird({ now: () => now });
    onTestFinished(() => emulator.stop());
    const statuses = async (count: number) => {
      const found: number[] = [];
      for (let i = 0; i < count; i += 1)
        found.push((await ask(emulator, `${workspace}/channels/calls`)).status);
      return found;
    };
    expect(await statuses(51)).toEqual([...Array(50).fill(200), 429]);
    now += 999;
    expect(await statuses(1)).toEqual([429]);
    now += 1;
    expect(await statuses(1)).toEqual([200]);
  });
});

describe("the calls log", () => {
  test("gives pages, newest first, that no newer call moves", async () => {
    const emulator = await bird({ now: () => ended });
    const place = (id: string, startedAt: string) => emulator.place({ ...simulatedCall, id, startedAt });
    for (let i = 0; i < 25; i += 1) place(`call-${i}`, "2026-01-02T03:00:00.000Z");
    const ids: unknown[] = [];
    let query = "";
    for (const expected of [10, 10, 5]) {
      const { body } = await ask(emulator, `${workspace}/channels/calls?${query}`);
      expect(body.results).toHaveLength(expected);
      ids.push(...body.results.map(({ id }) => id));
      query = `pageToken=${body.nextPageToken}`;
      place(`newer-${expected}`, "2026-01-02T03:01:00.000Z");
    }
    expect(query).toBe("pageToken=undefined");
    expect([...new Set(ids)].length).toBe(25);
    expect(ids.every((id) => String(id).startsWith("call-"))).toBe(true);
  });

  test("is filtered by span, id, direction and status", async () => {
    const emulator = await bird({ now: () => ended });
    emulator.place({ ...simulatedCall, id: "in" });
    emulator.place({ ...simulatedCall, id: "out", direction: "outbound", outcome: "busy", talkSeconds: 0 });
    const found = async (query: string) =>
      (await ask(emulator, `${workspace}/channels/calls?${query}`)).body.results.map(({ id }) => id);
    expect(await found("id=out")).toEqual(["out"]);
    expect(await found("direction=incoming")).toEqual(["in"]);
    expect(await found("status=busy&status=failed")).toEqual(["out"]);
    expect(await found(`startAt=${simulatedCall.startedAt}&endAt=${simulatedCall.startedAt}`)).toHaveLength(
      2,
    );
    expect(await found("startAt=2026-01-02T03:04:05.001Z")).toEqual([]);
  });
});

test("a call is told as it is by the emulator's clock", async () => {
  let now = Date.parse(simulatedCall.startedAt) - 1;
  const emulator = await bird({ now: () => now });
  emulator.place(simulatedCall);
  const path = `${workspace}/channels/${channel}/calls/${simulatedCall.id}`;
  expect((await ask(emulator, path)).status).toBe(404);
  const states = [];
  for (const seconds of [0, 1, 4, 65]) {
    now = Date.parse(simulatedCall.startedAt) + seconds * 1000;
    const { body } = await ask(emulator, path);
    states.push([body["status"], body["duration"], body["endedAt"]]);
  }
  expect(states).toEqual([
    ["starting", 0, "0001-01-01T00:00:00Z"],
    ["ringing", 0, "0001-01-01T00:00:00Z"],
    ["ongoing", 0, "0001-01-01T00:00:00Z"],
    ["completed", 61, "2026-01-02T03:05:10.000Z"],
  ]);
  expect((await ask(emulator, path.replace(channel, "another"))).status).toBe(404);
});

describe("a recording", () => {
  const listed = `${workspace}/recordings?sourceId=${simulatedCall.id}`;

  test("is available two minutes after the call, and has a link only then", async () => {
    let now = ended + 119_999;
    const emulator = await bird({ now: () => now });
    emulator.place(simulatedCall);
    const zero = { status: "accepted", duration: 0, endedAt: "0001-01-01T00:00:00Z" };
    const before = (await ask(emulator, listed)).body.results;
    expect(before).toEqual([expect.objectContaining(zero)]);
    expect(before[0]).not.toHaveProperty("url");
    now += 1;
    const { id } = emulator.recordingOf(simulatedCall.id);
    const after = await ask(emulator, `${workspace}/recordings/${id}`);
    expect(after.body).toMatchObject({ status: "available", duration: 61, sourceId: simulatedCall.id });
    expect(after.body["url"]).toMatch(/X-Amz-Expires=600/);
  });

  test("is made of answered calls only, and of none that is to have none", async () => {
    const emulator = await bird({ now: () => ended + 3_600_000 });
    emulator.place({ ...simulatedCall, id: "missed", outcome: "no-answer", talkSeconds: 0 });
    emulator.place({ ...simulatedCall, id: "unrecorded" }, { recordingAfterSeconds: null });
    expect((await ask(emulator, `${workspace}/recordings`)).body.results).toEqual([]);
  });

  test("has a link that is good for 600 s, for nothing else and with no other proof", async () => {
    let now = ended + 120_000;
    const emulator = await bird({ now: () => now });
    emulator.place({ ...simulatedCall, talkSeconds: 1 });
    const link = String((await ask(emulator, listed)).body.results[0]?.["url"]);
    const status = async (url: string, headers = {}) => (await fetch(url, { headers })).status;
    expect(await status(link)).toBe(200);
    expect(await status(link, { range: "bytes=0-9" })).toBe(206);
    expect(await status(link, { authorization: "AccessKey bird-access-key" })).toBe(400);
    expect(await status(link.replace(/X-Amz-Date=\d{4}/, "X-Amz-Date=2099"))).toBe(403);
    expect(await status(link.replace(/X-Amz-Signature=.*/, ""))).toBe(403);
    now += 599_000;
    expect(await status(link)).toBe(200);
    now += 1_000;
    expect(await status(link)).toBe(403);
  });
});
