import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { local } from "../../connectors/local/index.ts";
import type { ConnectorKind } from "../../src/core/crm.ts";
import { CrmError } from "../../src/core/errors.ts";
import { type RecordedWorld, recordedWorld } from "../support/recorded-world.ts";

const minute = 60_000;
const hour = 60 * minute;
let site: RecordedWorld;
afterEach(() => site.end());

describe("a recording that is not there yet", () => {
  test("is looked for with growing pauses until it plays, and how long that took is counted", async () => {
    site = await recordedWorld(3_600);
    expect(site.world.activities()[0]?.["recordingUrl"]).toMatch(
      /^https:\/\/hooks\.example\.com\/recordings\//,
    );
    const pauses: number[] = [];
    for (let before = site.now(); (await site.told())?.state !== "there"; ) {
      const next = (await site.world.flow.store.nextRecording("acme")) ?? expect.fail();
      pauses.push(next - before);
      site.move(next - site.now());
      before = next;
      await site.world.follow();
    }
    expect(pauses.length).toBeGreaterThan(4);
    expect(pauses.slice(1)).toEqual(pauses.slice(1).sort((a, b) => a - b));
    expect(await site.told()).toMatchObject({
      available: true,
      playableAt: new Date(site.now()).toISOString(),
    });
    expect(await site.world.parts.metrics.text()).toMatch(
      /recording_available_seconds_count\{provider="exotel"\} 1/,
    );
    const before = site.looks();
    site.move(hour);
    expect(await site.world.follow()).toBe(0);
    expect(site.looks()).toBe(before);
  });

  test("is given up after a day, which the call explains", async () => {
    site = await recordedWorld(null);
    for (let turns = 0; turns < 300; turns += 1) {
      site.move(5 * minute);
      await site.world.follow();
    }
    expect(await site.told()).toMatchObject({
      available: false,
      state: "missing",
      reason: expect.stringMatching(/404/),
    });
    expect(site.looks()).toBeLessThan(25);
    expect(await site.world.flow.store.nextRecording("acme")).toBeUndefined();
  });

  test("is looked for by the next process when this one ends", async () => {
    site = await recordedWorld(600);
    await site.world.follow();
    await site.world.stop();
    site.move(hour);
    await site.world.follow();
    expect(await site.told()).toMatchObject({ state: "there" });
  });
});

describe("where recordings are not wanted", () => {
  test.each([
    ["at all", { recording: "none" }],
    ["on this line", { recordingLines: { "+918047112200": "none" } }],
  ])(
    "%s, nobody is asked, and no trace of the link is in the CRM, the log or the explanation",
    async (_, settings) => {
      const lines: unknown[][] = [];
      const note = (...line: unknown[]) => void lines.push(line);
      site = await recordedWorld(0, { settings, log: { debug: note, info: note, warn: note, error: note } });
      await site.world.follow();
      expect(site.looks()).toBe(0);
      const shown = JSON.stringify([site.world.activities(), await site.explained(), lines]);
      expect(site.world.activities()).toHaveLength(1);
      expect(shown).not.toMatch(/exotelrecordings|recordings\/|recordingUrl/);
    },
  );

  test("on another line, this one's is kept as ever", async () => {
    site = await recordedWorld(0, { settings: { recordingLines: { "+31201234567": "none" } } });
    await site.world.follow();
    expect(await site.told()).toMatchObject({ state: "there" });
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
    site = await recordedWorld(600, { connectors: { local: kind } });
    await site.world.follow();
    expect(ready).toEqual([]);
    for (let turns = 0; turns < 20; turns += 1) {
      site.move(5 * minute);
      await site.world.follow();
    }
    expect(ready).toEqual([site.world.activities()[0]?.["id"]]);
  });

  test("is told only once it has the link", async () => {
    site = await recordedWorld(0, { connectors: { local: kind } });
    const { flow } = site.world;
    const row = (await site.row()) ?? expect.fail();
    // A fact that came since the save: the activity is not up to date.
    const call = { ...row.call, revision: row.call.revision + 1 };
    await flow.store.saveDecoded(
      "acme",
      [],
      [{ row, call, state: "logged", dueAt: site.now(), events: [], absorbed: [] }],
    );
    await site.world.follow();
    expect(ready).toEqual([]);
    await site.world.workOff();
    site.move(5 * minute);
    await site.world.follow();
    expect(ready).toHaveLength(1);
  });

  test("that is away for now is told later", async () => {
    refusal = new CrmError("later", "away");
    site = await recordedWorld(0, { connectors: { local: kind } });
    await site.world.follow();
    refusal = undefined;
    site.move(5 * minute);
    await site.world.follow();
    expect(ready).toHaveLength(1);
  });
});
