import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { local } from "../../connectors/local/index.ts";
import type { ConnectorKind } from "../../src/core/contracts.ts";
import { ArchiveError, CrmError } from "../../src/core/errors.ts";
import type { SimulatedCall } from "../../src/core/simulation.ts";
import { explainCall } from "../../src/flow/explain.ts";
import { followRecordings } from "../../src/flow/follow-recordings.ts";
import { type ExotelEmulator, startExotel } from "../emulators/exotel/index.ts";
import { type AskingOptions, type AskingWorld, openWorld } from "../support/asking-world.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const key = "acme:exotel:one";
let at: number;
let exotel: ExotelEmulator;
let world: AskingWorld;

beforeEach(async () => {
  at = Date.parse("2026-11-02T08:00:00.000Z");
  exotel = await startExotel({ now: () => at });
});
afterEach(async () => {
  await world.end();
  await exotel.stop();
});

const one = (): SimulatedCall => ({
  ...{ id: "one", direction: "inbound", customer: "+919876543210", line: "+918047112200", agent: "ravi" },
  ...{
    startedAt: new Date(at - 2 * minute).toISOString(),
    ringSeconds: 4,
    talkSeconds: 61,
    outcome: "completed",
  },
});

/** A call that ended a minute ago, whose recording is there so long after its end. */
async function liveThrough(
  recordingAfterSeconds: number | null,
  options: Partial<AskingOptions> = {},
): Promise<void> {
  world = openWorld({ provider: "exotel", own: exotel.settings, now: () => at, ...options });
  await world.sync();
  const call = one();
  exotel.place(call, { recordingAfterSeconds });
  const link = `${exotel.url}/exotelrecordings/demo/one.mp3`;
  for (const request of world.script(call)) {
    const body = Buffer.from(request.body)
      .toString()
      .replaceAll(/https:\/\/recordings[^"\r]+/g, link);
    await world.take({ ...request, body: Buffer.from(body) });
  }
  await world.workOff();
}

const looks = () => exotel.requests.filter(({ kind }) => kind === "recording").length;
const told = async () => (await explainCall(world.flow.store, key))?.call.recording;
const file = (folder = "recordings"): string[] =>
  existsSync(join(world.folder, folder))
    ? readdirSync(join(world.folder, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
    : [];

describe("a recording that is not there yet", () => {
  test("is looked for with growing pauses until it plays, and how long that took is counted", async () => {
    await liveThrough(3_600);
    expect(world.activities()[0]?.["recordingUrl"]).toMatch(/^https:\/\/hooks\.example\.com\/recordings\//);
    const pauses: number[] = [];
    for (let before = at; (await told())?.state !== "there"; ) {
      at = (await world.flow.store.nextRecording("acme")) ?? expect.fail();
      pauses.push(at - before);
      before = at;
      await world.follow();
    }
    expect(pauses.length).toBeGreaterThan(4);
    expect(pauses.slice(1)).toEqual(pauses.slice(1).sort((a, b) => a - b));
    expect(await told()).toMatchObject({ available: true, playableAt: new Date(at).toISOString() });
    expect(await world.parts.metrics.text()).toMatch(
      /recording_available_seconds_count\{provider="exotel"\} 1/,
    );
    const before = looks();
    at += hour;
    expect(await world.follow()).toBe(0);
    expect(looks()).toBe(before);
  });

  test("is given up after a day, which the call explains", async () => {
    await liveThrough(null);
    for (let turns = 0; turns < 300; turns += 1) {
      at += 5 * minute;
      await world.follow();
    }
    expect(await told()).toMatchObject({
      available: false,
      state: "missing",
      reason: expect.stringMatching(/404/),
    });
    expect(looks()).toBeLessThan(25);
    expect(await world.flow.store.nextRecording("acme")).toBeUndefined();
  });

  test("is looked for by the next process when this one ends", async () => {
    await liveThrough(600);
    await world.follow();
    await world.stop();
    at += hour;
    await world.follow();
    expect(await told()).toMatchObject({ state: "there" });
  });
});

describe("where recordings are archived", () => {
  const archive = {
    file: { archive: { folder: "recordings" } },
    settings: { recording: "archive", recordingDays: 30 },
  };

  test("a copy is kept with its fingerprint, and plays when the provider has lost it", async () => {
    await liveThrough(0, archive);
    await world.follow();
    const [path = ""] = file();
    const sha256 = createHash("sha256").update(readFileSync(path)).digest("hex");
    expect(await told()).toMatchObject({
      available: true,
      state: "kept",
      sha256,
      bytes: readFileSync(path).length,
    });
    exotel.faults.add({ type: "status", status: 404 });
    expect(
      await world.parts.archive?.open(await place(), { headers: {}, signal: AbortSignal.timeout(5_000) }),
    ).toMatchObject({ status: 200 });
  });

  test("it goes when its time is over", async () => {
    await liveThrough(0, archive);
    await world.follow();
    at += 29 * day;
    await world.follow();
    expect(file()).toHaveLength(1);
    at += 2 * day;
    await world.follow();
    expect(file()).toEqual([]);
    expect(await told()).toMatchObject({
      available: false,
      state: "expired",
      reason: expect.stringMatching(/30 days/),
    });
  });

  test("it goes with the person who asked to be erased", async () => {
    await liveThrough(0, archive);
    await world.follow();
    await world.flow.store.erase("acme", [{ kind: "contact", id: "1" }], { now: at, spared: [] });
    await world.follow();
    expect(file()).toEqual([]);
    const row = (await world.flow.store.call(key))?.row;
    expect(await world.flow.store.recording(row?.id ?? 0)).toBeUndefined();
  });

  test("a recording that the archive will never take plays from the provider", async () => {
    await liveThrough(0, archive);
    const parts = world.parts;
    const keep = async () => Promise.reject(new ArchiveError("never", "the recording is larger than 500 MB"));
    const strict = { ...(parts.archive ?? expect.fail()), keep };
    await followRecordings({ flow: parts.flow, installation: world.acme(), archive: strict });
    expect(await told()).toMatchObject({
      available: true,
      state: "there",
      reason: expect.stringMatching(/500 MB/),
    });
    expect(await parts.flow.store.nextRecording("acme")).toBeUndefined();
  });

  test("a recording that breaks off leaves nothing, and is fetched again", async () => {
    await liveThrough(0, archive);
    exotel.faults.add({ type: "drop", match: "recording", times: 1 });
    await world.follow();
    expect(file()).toEqual([]);
    at += 10 * minute;
    await world.follow();
    expect(file()).toHaveLength(1);
  });
});

async function place(): Promise<string> {
  const row = (await world.flow.store.call(key))?.row;
  return (await world.flow.store.recording(row?.id ?? 0))?.place ?? "";
}

describe("where recordings are not wanted", () => {
  test.each([
    ["at all", { recording: "none" }],
    ["on this line", { recordingLines: { "+918047112200": "none" } }],
  ])(
    "%s, nobody is asked, and no trace of the link is in the CRM, the log or the explanation",
    async (_, settings) => {
      const lines: unknown[][] = [];
      const note = (...line: unknown[]) => void lines.push(line);
      await liveThrough(0, { settings, log: { debug: note, info: note, warn: note, error: note } });
      await world.follow();
      expect(looks()).toBe(0);
      const shown = JSON.stringify([world.activities(), await explainCall(world.flow.store, key), lines]);
      expect(world.activities()).toHaveLength(1);
      expect(shown).not.toMatch(/exotelrecordings|recordings\/|recordingUrl/);
    },
  );

  test("on another line, this one's is kept as ever", async () => {
    await liveThrough(0, { settings: { recordingLines: { "+31201234567": "none" } } });
    await world.follow();
    expect(await told()).toMatchObject({ state: "there" });
  });
});

describe("a CRM with a player of its own", () => {
  const ready: string[] = [];
  let refusal: CrmError | undefined;
  const kind: ConnectorKind = {
    ...(local as ConnectorKind),
    connect: (settings, context) => ({
      ...(local as ConnectorKind).connect(settings, context),
      async recordingReady(activity) {
        if (refusal) throw refusal;
        ready.push(activity);
      },
    }),
  };
  beforeEach(() => {
    ready.length = 0;
    refusal = undefined;
  });

  test("is told once when a recording can be played, and not before", async () => {
    await liveThrough(600, { connectors: { local: kind } });
    await world.follow();
    expect(ready).toEqual([]);
    for (let turns = 0; turns < 20; turns += 1) {
      at += 5 * minute;
      await world.follow();
    }
    expect(ready).toEqual([world.activities()[0]?.["id"]]);
  });

  test("that is away for now is told later", async () => {
    refusal = new CrmError("later", "away");
    await liveThrough(0, { connectors: { local: kind } });
    await world.follow();
    refusal = undefined;
    at += 5 * minute;
    await world.follow();
    expect(ready).toHaveLength(1);
  });
});
