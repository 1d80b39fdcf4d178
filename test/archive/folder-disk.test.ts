import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openArchive } from "../../src/archive/index.ts";
import type { Archive } from "../../src/core/recording.ts";
import { audioOf, filesIn, newFolder, play, toKeep } from "../support/archived.ts";
import { mountSmallDisk, type SmallDisk } from "../support/disks.ts";
import { startS3 } from "../support/s3.ts";
import { waitFor } from "../support/server.ts";

const nobody = 65_534;
let base: string;
beforeEach(() => {
  base = newFolder();
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const open = (folder: string) => openArchive({ folder }, { spoolFolder: join(base, "spool") });
const laterWith = (message: RegExp) => ({
  name: "ArchiveError",
  retry: "later",
  message: expect.stringMatching(message),
});

/** What a disk of 4 MB does to an archive in a folder on it. */
async function onSmallDisk(work: (disk: SmallDisk, archive: Archive) => Promise<void>): Promise<boolean> {
  const disk = mountSmallDisk(4);
  if (disk) await work(disk, open(join(disk.folder, "recordings")));
  return disk !== undefined;
}

describe("a disk", () => {
  test("that is full makes a recording wait, leaves nothing of it, and goes on when there is space", async ({
    skip,
  }) => {
    const mounted = await onSmallDisk(async (disk, archive) => {
      const { place } = await archive.keep(toKeep(audioOf(1_000_000)));
      const large = () => archive.keep(toKeep(audioOf(900_000), { name: "acme/large" }));
      disk.fill();
      await expect(large()).rejects.toMatchObject(laterWith(/recordings\S* is on a disk that is full: free/));
      await expect(archive.ready()).rejects.toMatchObject(laterWith(/full/));
      expect((await play(archive, place)).audio).toHaveLength(1_000_000);
      expect(filesIn(join(disk.folder, "recordings"))).toHaveLength(1);
      disk.free();
      expect((await play(archive, (await large()).place)).audio).toHaveLength(900_000);
    });
    if (!mounted) skip("mounting is not permitted here");
  });

  test("that fills up halfway leaves nothing", async ({ skip }) => {
    const mounted = await onSmallDisk(async (disk, archive) => {
      await archive.ready();
      const body = new PassThrough();
      const keeping = expect(archive.keep(toKeep(body))).rejects.toMatchObject(laterWith(/full/));
      body.write(audioOf(10_000));
      await waitFor("the first bytes to be taken", () => body.readableLength === 0);
      disk.fill();
      body.end(audioOf(100_000));
      await keeping;
      expect(filesIn(join(disk.folder, "recordings"))).toEqual([]);
    });
    if (!mounted) skip("mounting is not permitted here");
  });

  test("that may only be read plays, and neither keeps nor removes", async ({ skip }) => {
    const mounted = await onSmallDisk(async (disk, archive) => {
      const { place } = await archive.keep(toKeep(audioOf(1_000)));
      disk.writable(false);
      const refused = laterWith(/mounted read-only: mount it for writing \(EROFS\)/);
      await expect(archive.keep(toKeep(audioOf(10)))).rejects.toMatchObject(refused);
      await expect(archive.remove(place)).rejects.toMatchObject(refused);
      await expect(archive.ready()).rejects.toMatchObject(refused);
      expect((await play(archive, place)).status).toBe(200);
      disk.writable(true);
      await archive.remove(place);
    });
    if (!mounted) skip("mounting is not permitted here");
  });

  test("that is full under the spool makes a recording for a bucket wait", async ({ skip }) => {
    const disk = mountSmallDisk(1);
    if (!disk) return skip("mounting is not permitted here");
    const s3 = await startS3();
    const archive = openArchive({ s3: s3.settings }, { spoolFolder: join(disk.folder, "spool") });
    await archive.ready();
    disk.fill();
    await expect(archive.keep(toKeep(audioOf(10)))).rejects.toMatchObject(laterWith(/spool is on a disk/));
    expect(s3.keys()).toEqual([]);
    await archive.close?.();
    await s3.stop();
  });
});

describe("a folder", () => {
  test("that is a file makes a recording wait, with a sentence", async () => {
    const file = join(base, "recordings");
    writeFileSync(file, "not a folder");
    const refused = laterWith(/is not a folder: name another one, or move the file away/);
    await expect(open(file).keep(toKeep(audioOf(10)))).rejects.toMatchObject(refused);
    await expect(open(file).ready()).rejects.toMatchObject(refused);
    await expect(open(join(file, "below")).ready()).rejects.toMatchObject(refused);
  });

  test("that we may not write to makes a recording wait", async () => {
    chmodSync(base, 0o500);
    // Root may write everywhere, so it is somebody else for a while.
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(nobody);
    try {
      const work = open(join(base, "recordings")).keep(toKeep(audioOf(10)));
      await expect(work).rejects.toMatchObject(laterWith(/let Switchhook read and write it/));
    } finally {
      if (isRoot) process.seteuid?.(0);
      chmodSync(base, 0o700);
    }
  });
});
