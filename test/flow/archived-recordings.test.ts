import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, describe, expect, test } from "vitest";
import { ArchiveError } from "../../src/core/errors.ts";
import { exportOf } from "../../src/flow/explain/export.ts";
import { deleteRecording, followRecordings } from "../../src/flow/recordings/follow.ts";
import { type RecordedWorld, recordedWorld } from "../support/recorded-world.ts";

const minute = 60_000;
const day = 86_400_000;
let site: RecordedWorld;
afterEach(() => site.end());

const file = (folder = "recordings"): string[] =>
  existsSync(join(site.world.folder, folder))
    ? readdirSync(join(site.world.folder, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
    : [];

describe("where recordings are archived", () => {
  const archive = {
    file: { archive: { folder: "recordings" } },
    settings: { recording: "archive", recordingDays: 30 },
  };

  test("a copy is kept with its fingerprint, and plays when the provider has lost it", async () => {
    site = await recordedWorld(0, archive);
    await site.world.follow();
    const [path = ""] = file();
    const sha256 = createHash("sha256").update(readFileSync(path)).digest("hex");
    expect(await site.told()).toMatchObject({
      available: true,
      state: "kept",
      sha256,
      bytes: readFileSync(path).length,
      keptUntil: expect.stringMatching(/Z$/),
    });
    expect(await site.told()).not.toHaveProperty("nextLookAt");
    const copies: unknown[] = [];
    for await (const line of exportOf(site.world.flow.store, { name: "acme" }))
      if (line.type === "call") copies.push(line["copy"]);
    expect(copies.map((copy) => join(site.world.folder, "recordings", String(copy)))).toEqual([path]);
    site.exotel.faults.add({ type: "status", status: 404 });
    expect(
      await site.world.parts.archive?.open(await place(), {
        headers: {},
        signal: AbortSignal.timeout(5_000),
      }),
    ).toMatchObject({ status: 200 });
  });

  test("it goes when its time is over", async () => {
    site = await recordedWorld(0, archive);
    await site.world.follow();
    site.move(29 * day);
    await site.world.follow();
    expect(file()).toHaveLength(1);
    site.move(2 * day);
    await site.world.follow();
    expect(file()).toEqual([]);
    expect(await site.told()).toMatchObject({
      available: false,
      state: "expired",
      reason: expect.stringMatching(/30 days/),
    });
  });

  test("it goes with the person who asked to be erased", async () => {
    site = await recordedWorld(0, archive);
    await site.world.follow();
    await site.world.flow.store.erase("acme", [{ kind: "contact", id: "1" }], {
      now: site.now(),
      spared: [],
    });
    await site.world.follow();
    expect(file()).toEqual([]);
    const row = await site.row();
    expect(await site.world.flow.store.recording(row?.id ?? 0)).toBeUndefined();
  });

  test("a recording that the archive will never take plays from the provider", async () => {
    site = await recordedWorld(0, archive);
    const parts = site.world.parts;
    const keep = async () => Promise.reject(new ArchiveError("never", "the recording is larger than 500 MB"));
    const strict = { ...(parts.archive ?? expect.fail()), keep };
    await followRecordings({ flow: parts.flow, installation: site.world.acme(), archive: strict });
    expect(await site.told()).toMatchObject({
      available: true,
      state: "there",
      reason: expect.stringMatching(/500 MB/),
    });
    expect(await parts.flow.store.nextRecording("acme")).toBeUndefined();
  });

  test("an archive in trouble is tried again with growing pauses, for as long as it takes", async () => {
    site = await recordedWorld(0, archive);
    const { archive: working = expect.fail(), flow } = site.world.parts;
    const keep = async () => Promise.reject(new ArchiveError("later", "the archive's disk is full"));
    const following = { flow, installation: site.world.acme() };
    const looks = site.looks();
    let tries = 0;
    for (let minutes = 0; minutes < 48 * 60; minutes += 1) {
      site.move(minute);
      tries += await followRecordings({ ...following, archive: { ...working, keep } });
    }
    expect(tries).toBeGreaterThan(20);
    expect(tries).toBeLessThan(40);
    expect(site.looks() - looks).toBe(tries);
    expect(await site.told()).toMatchObject({ reason: "the archive's disk is full" });
    site.move(day);
    await followRecordings({ ...following, archive: working });
    expect(await site.told()).toMatchObject({ state: "kept" });
    expect(file()).toHaveLength(1);
  });

  /** What somebody does while the archive takes a recording in, and an archive that lets them. */
  const during = (meanwhile: () => Promise<unknown>) => {
    const working = site.world.parts.archive ?? expect.fail();
    const keep: typeof working.keep = async (audio, signal) => {
      const kept = await working.keep(audio, signal);
      await meanwhile();
      return kept;
    };
    return { flow: site.world.flow, installation: site.world.acme(), archive: { ...working, keep } };
  };

  test("a person who is erased while it is being archived leaves no copy", async () => {
    site = await recordedWorld(0, archive);
    const { store } = site.world.flow;
    const { id = 0 } = (await site.row()) ?? {};
    const vera = { kind: "contact", id: "1" } as const;
    const following = during(() => store.erase("acme", [vera], { now: site.now(), spared: [] }));
    await followRecordings(following);
    expect(await store.recording(id)).toMatchObject({ state: "erase" });
    expect(file()).toHaveLength(1);
    await site.world.follow();
    expect(file()).toEqual([]);
    expect(await store.recording(id)).toBeUndefined();
  });

  test("one that is deleted while it is being archived stays deleted, and leaves no copy", async () => {
    site = await recordedWorld(0, archive);
    const { store } = site.world.flow;
    const { id = 0 } = (await site.row()) ?? {};
    const call = { call: id, installation: "acme" };
    await followRecordings(during(() => store.deleteRecording(call, site.now())));
    await site.world.follow();
    expect(file()).toEqual([]);
    expect(await site.told()).toMatchObject({ available: false, state: "deleted" });
    expect(await store.nextRecording("acme")).toBeUndefined();
  });

  test("a copy that comes in the middle of a deletion goes, too", async () => {
    site = await recordedWorld(0, archive);
    const { archive: working = expect.fail(), flow } = site.world.parts;
    const body = Readable.from([Buffer.alloc(1_000, 1)]);
    const { place } = await working.keep({
      name: "acme/2026/11/1",
      type: "audio/mpeg",
      body,
      maxBytes: 2_000,
    });
    const recording: typeof flow.store.recording = async (call) => {
      const read = await flow.store.recording(call);
      await flow.store.leaveCopy(call, place, site.now());
      return read;
    };
    const meanwhile = { ...flow, store: { ...flow.store, recording } };
    const row = (await site.row()) ?? expect.fail();
    expect(await deleteRecording({ flow: meanwhile, archive: working }, row)).toBeUndefined();
    expect(file()).toHaveLength(1);
    await site.world.follow();
    expect(file()).toEqual([]);
    expect(await site.told()).toMatchObject({ available: false, state: "deleted" });
  });

  test("a copy that comes after all is forgotten goes at once", async () => {
    site = await recordedWorld(0, archive);
    const { store } = site.world.flow;
    const { id = 0 } = (await site.row()) ?? {};
    await followRecordings(during(() => store.forgetRecording(id)));
    expect(file()).toEqual([]);
  });

  test("a deleted one's copy goes when the archive is there again", async () => {
    site = await recordedWorld(0, archive);
    await site.world.follow();
    const { flow } = site.world;
    await flow.store.deleteRecording({ call: (await site.row())?.id ?? 0, installation: "acme" }, site.now());
    await followRecordings({ flow, installation: site.world.acme() });
    expect(file()).toHaveLength(1);
    expect(await site.told()).toMatchObject({ state: "deleted", reason: expect.stringMatching(/archive/) });
    site.move(minute);
    await site.world.follow();
    expect(file()).toEqual([]);
  });

  test("a recording that breaks off leaves nothing, and is fetched again", async () => {
    site = await recordedWorld(0, archive);
    site.exotel.faults.add({ type: "drop", match: "recording", times: 1 });
    await site.world.follow();
    expect(file()).toEqual([]);
    site.move(10 * minute);
    await site.world.follow();
    expect(file()).toHaveLength(1);
  });
});

async function place(): Promise<string> {
  const row = await site.row();
  return (await site.world.flow.store.recording(row?.id ?? 0))?.place ?? "";
}
