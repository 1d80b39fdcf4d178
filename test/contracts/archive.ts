import { execFile } from "node:child_process";
import { hash } from "node:crypto";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Archive } from "../../src/core/recording.ts";
import { type ArchiveUnderTest, audioOf, play, toKeep } from "../support/archived.ts";
import { testFailedKeeping } from "./archive-failures.ts";
import type { Growth } from "./archive-memory.ts";

const longMegabytes = 128;
/** Parts that are not collected yet come to 70 MB, however long the recording. */
const mostGrowth = 100 * 1_048_576;

/** The contract that every archive keeps. */
export function testArchive(name: string, start: () => Promise<ArchiveUnderTest>): void {
  describe(`${name} keeps the archive contract`, () => {
    let world: ArchiveUnderTest;
    let archive: Archive;
    beforeEach(async () => {
      world = await start();
      archive = world.archive;
    });
    afterEach(async () => {
      await archive.close?.();
      await world.stop();
    });

    test("gives back the bytes that it kept, and knows their size and hash", async () => {
      const audio = audioOf(200_001);
      const kept = await archive.keep(toKeep(audio));
      expect(kept).toEqual({
        place: expect.stringContaining("acme/2026/11/k3x9"),
        bytes: audio.length,
        sha256: hash("sha256", audio),
        type: "audio/mpeg",
      });
      const played = await play(archive, kept.place);
      expect(played.status).toBe(200);
      expect(played.headers).toMatchObject({
        "content-type": "audio/mpeg",
        "content-length": "200001",
        "accept-ranges": "bytes",
        etag: expect.stringMatching(/^"[^"]+"$/),
      });
      expect(played.audio.equals(audio)).toBe(true);
      expect(world.left()).toHaveLength(1);
    });

    test("keeps a recording without a single byte", async () => {
      const { place, bytes } = await archive.keep(toKeep(Buffer.alloc(0)));
      expect([bytes, (await play(archive, place)).headers["content-length"]]).toEqual([0, "0"]);
      expect((await play(archive, place, { range: "bytes=0-" })).audio).toHaveLength(0);
    });

    test.each([
      ["audio/mpeg", "audio/mpeg"],
      ["audio/mp3", "audio/mpeg"],
      ["Audio/X-WAV", "audio/wav"],
      ["audio/ogg; codecs=opus", "audio/ogg"],
      ["audio/x-m4a", "audio/mp4"],
      ["audio/basic", "application/octet-stream"],
      ["constructor", "application/octet-stream"],
      ["text/html", "application/octet-stream"],
      ["", "application/octet-stream"],
    ])("serves %j as %s", async (type, plain) => {
      const kept = await archive.keep(toKeep(audioOf(10), { type }));
      expect(kept.type).toBe(plain);
      expect((await play(archive, kept.place)).headers["content-type"]).toBe(plain);
    });

    test.each([
      ["bytes=0-9", 206, 0, 9],
      ["bytes=0-0", 206, 0, 0],
      ["bytes=500-599", 206, 500, 599],
      ["bytes=2990-", 206, 2_990, 2_999],
      ["bytes=2990-99999", 206, 2_990, 2_999],
      ["bytes=-10", 206, 2_990, 2_999],
      ["bytes=-99999", 206, 0, 2_999],
      ["bytes=3000-", 416],
      ["bytes=4000-5000", 416],
      ["bytes=9-3", 200, 0, 2_999],
      ["bytes=0-1,5-6", 200, 0, 2_999],
      ["lines=1-2", 200, 0, 2_999],
    ])("answers %s with %i", async (range, status, first = 0, last = -1) => {
      const audio = audioOf(3_000);
      const { place } = await archive.keep(toKeep(audio));
      const reply = await play(archive, place, { range });
      expect(reply.status).toBe(status);
      expect(reply.audio.equals(audio.subarray(first, last + 1))).toBe(true);
      const part = { 200: undefined, 206: `bytes ${first}-${last}/3000`, 416: "bytes */3000" }[status];
      expect(reply.headers["content-range"]).toBe(part);
      if (status !== 416) expect(reply.headers["content-length"]).toBe(String(last - first + 1));
    });

    test("gives the whole to a listener who has the beginning of something else", async () => {
      const { place } = await archive.keep(toKeep(audioOf(3_000)));
      const { etag = "" } = (await play(archive, place)).headers;
      const asked = (ifRange: string, range: string) => play(archive, place, { range, "if-range": ifRange });
      expect((await asked(etag, "bytes=5-9")).status).toBe(206);
      expect((await asked('"older"', "bytes=5-9")).audio).toHaveLength(3_000);
      expect((await asked('"older"', "bytes=9999-")).status).toBe(200);
    });

    test("replaces what has the same name, whatever it is", async () => {
      await archive.keep(toKeep(audioOf(300, 1)));
      await archive.keep(toKeep(audioOf(300, 2), { type: "audio/wav" }));
      const { place } = await archive.keep(toKeep(audioOf(200, 3)));
      const again = await archive.keep(toKeep(audioOf(200, 3)));
      expect(again.place).toBe(place);
      expect((await play(archive, place)).audio.equals(audioOf(200, 3))).toBe(true);
      expect(world.left()).toHaveLength(1);
    });

    test("leaves a neighbour alone whose name begins alike", async () => {
      const names = ["a/k", "a/k-0123456789abcdef", "a/k1", "a/k.mp3", "b/k"];
      const kept = [];
      for (const [i, each] of names.entries())
        kept.push(await archive.keep(toKeep(audioOf(100, i), { name: each })));
      await archive.keep(toKeep(audioOf(100, 9), { name: "a/k" }));
      expect(world.left()).toHaveLength(names.length);
      for (const [i, { place }] of kept.entries())
        if (i > 0) expect((await play(archive, place)).audio.equals(audioOf(100, i))).toBe(true);
    });

    test("ends with one whole recording when two are kept under one name at once", async () => {
      for (let i = 0; i < 20; i += 1) {
        const both = [audioOf(5_000, 2 * i), audioOf(5_000, 2 * i + 1)];
        const kept = await Promise.all(both.map((audio) => archive.keep(toKeep(audio))));
        const played = await Promise.all(kept.map(({ place }) => play(archive, place)));
        const there = played.filter(({ status }) => status === 200);
        expect(there.length).toBeGreaterThan(0);
        for (const { audio } of there) expect(both.some((one) => one.equals(audio))).toBe(true);
        expect(world.left()).toHaveLength(1);
      }
    });

    test("forgets what is removed, also twice, and answers 404 for what is not there", async () => {
      const { place } = await archive.keep(toKeep(audioOf(100)));
      expect((await play(archive, `${place}x`)).status).toBe(404);
      for (let i = 0; i < 2; i += 1) {
        await archive.remove(place);
        expect(await play(archive, place, { range: "bytes=0-" })).toMatchObject({ status: 404 });
      }
      await archive.remove("never/was/here");
      expect(world.left()).toEqual([]);
    });

    test("is ready, and leaves no trace of having looked", async () => {
      await archive.ready();
      expect(world.left()).toEqual([]);
      expect(archive.name).toMatch(/^the (folder|bucket) \S/);
    });

    test("keeps and plays what is long in little memory", async () => {
      const script = join(import.meta.dirname, "archive-memory.ts");
      const { settings, spoolFolder, environment } = world;
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [script, JSON.stringify(settings), spoolFolder, String(longMegabytes)],
        { env: { ...environment } },
      );
      const growth = JSON.parse(stdout) as Growth;
      expect(growth).toMatchObject({ bytes: longMegabytes * 1_048_576, isWhole: true });
      expect(growth.keeping).toBeLessThan(mostGrowth);
      expect(growth.playing).toBeLessThan(mostGrowth);
      expect(world.left()).toEqual([]);
    });

    testFailedKeeping(() => world);
  });
}
