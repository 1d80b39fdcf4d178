import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openArchive } from "../../src/archive/index.ts";
import type { Archive } from "../../src/core/recording.ts";
import { testArchive } from "../contracts/archive.ts";
import { ask, audioOf, filesIn, newFolder, play, toKeep } from "../support/archived.ts";
import { waitFor } from "../support/server.ts";

testArchive("a folder", async () => {
  const base = newFolder();
  const settings = { folder: join(base, "recordings") };
  const spoolFolder = join(base, "spool");
  return {
    archive: openArchive(settings, { spoolFolder }),
    settings,
    spoolFolder,
    left: () => filesIn(base),
    stop: async () => rmSync(base, { recursive: true, force: true }),
  };
});

let base: string;
let root: string;
let archive: Archive;
beforeEach(() => {
  base = newFolder();
  root = join(base, "recordings");
  archive = openRoot();
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const openRoot = (folder = root) => openArchive({ folder }, { spoolFolder: join(base, "spool") });
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

describe("a folder", () => {
  test("names a file after its call, its hash and its type, for us alone", async () => {
    const audio = audioOf(100);
    const { place, sha256 } = await archive.keep(toKeep(audio, { type: "audio/wav" }));
    expect(place).toBe(`acme/2026/11/k3x9-${sha256.slice(0, 16)}.wav`);
    const file = join(root, place);
    expect(readFileSync(file).equals(audio)).toBe(true);
    expect(modeOf(file)).toBe("600");
    for (const folder of ["", ".incoming", "acme", "acme/2026", "acme/2026/11"])
      expect(modeOf(join(root, folder))).toBe("700");
    expect((await play(archive, place)).headers["etag"]).toBe(`"${sha256.slice(0, 16)}"`);
  });

  test.each(["/", "/../recordings/"])(
    "stays when the last file in it is removed, also as %j",
    async (end) => {
      mkdirSync(root);
      writeFileSync(join(root, "k.mp3"), "from a backup");
      await openRoot(`${root}${end}`).remove("k.mp3");
      expect(readdirSync(base)).toEqual(["recordings"]);
    },
  );

  test("is cleared of the folders that a removal leaves empty, and of no other", async () => {
    const { place } = await archive.keep(toKeep(audioOf(10)));
    const other = await archive.keep(toKeep(audioOf(10), { name: "acme/2026/12/k" }));
    await archive.remove(place);
    expect(readdirSync(join(root, "acme/2026"))).toEqual(["12"]);
    await archive.remove(other.place);
    expect(readdirSync(root)).toEqual([".incoming"]);
  });

  test("keeps what arrives while the last file beside it is removed by another process", async () => {
    const others = openRoot();
    let { place } = await archive.keep(toKeep(audioOf(10, 0)));
    for (let i = 1; i < 60; i += 1) {
      const [, next] = await Promise.all([
        others.remove(place),
        archive.keep(toKeep(audioOf(10, i), { name: `acme/2026/11/k${i}` })),
      ]);
      expect((await play(archive, next.place)).status).toBe(200);
      place = next.place;
    }
  });

  test("never loses a call whose recording two processes keep at once", async () => {
    const others = openRoot();
    for (let i = 0; i < 120; i += 1) {
      const kept = await Promise.all([
        archive.keep(toKeep(audioOf(10, i))),
        others.keep(toKeep(audioOf(10, i + 1))),
      ]);
      const statuses = await Promise.all(kept.map(async ({ place }) => (await play(archive, place)).status));
      expect(statuses).toContain(200);
    }
  });
});

test.skipIf(!existsSync("/proc/self/fd"))("no file stays open after an answer", async () => {
  const openFiles = () => readdirSync("/proc/self/fd").length;
  const { place } = await archive.keep(toKeep(audioOf(10)));
  const empty = await archive.keep(toKeep(Buffer.alloc(0), { name: "empty" }));
  await play(archive, place);
  const before = openFiles();
  for (let i = 0; i < 10; i += 1) {
    expect((await ask(archive, place, { range: "bytes=99-" })).status).toBe(416);
    expect((await ask(archive, empty.place)).status).toBe(200);
    expect((await ask(archive, "acme")).status).toBe(404);
  }
  expect(openFiles()).toBe(before);
  for (let i = 0; i < 10; i += 1) (await ask(archive, place)).body.destroy();
  await waitFor("all files to be closed", () => openFiles() === before);
});

describe("links that lead out of the folder", () => {
  test("are not played", async () => {
    const secret = join(base, "secret.mp3");
    writeFileSync(secret, "secret");
    mkdirSync(root, { recursive: true });
    symlinkSync(secret, join(root, "link.mp3"));
    symlinkSync(base, join(root, "up"));
    symlinkSync(join(root, "loop"), join(root, "loop"));
    for (const place of ["link.mp3", "up/secret.mp3"])
      expect(await play(archive, place)).toMatchObject({ status: 404, audio: Buffer.alloc(0) });
    await expect(play(archive, "loop")).rejects.toMatchObject({ name: "ArchiveError" });
  });

  test("are neither kept through nor removed through", async () => {
    mkdirSync(join(base, "elsewhere"));
    mkdirSync(root);
    symlinkSync(join(base, "elsewhere"), join(root, "acme"));
    writeFileSync(join(base, "elsewhere", "k.mp3"), "precious");
    const refused = { retry: "never", message: expect.stringMatching(/leads out of the archive/) };
    await expect(archive.keep(toKeep(audioOf(10), { name: "acme/k" }))).rejects.toMatchObject(refused);
    await expect(archive.remove("acme/k.mp3")).rejects.toMatchObject(refused);
    expect(readdirSync(join(base, "elsewhere"))).toEqual(["k.mp3"]);
    expect(readdirSync(join(root, ".incoming"))).toEqual([]);
  });

  test("may be the folder itself", async () => {
    mkdirSync(root);
    symlinkSync(root, join(base, "link"));
    const linked = openRoot(join(base, "link"));
    const { place } = await linked.keep(toKeep(audioOf(10)));
    expect((await play(linked, place)).status).toBe(200);
  });

  test("and folders and pipes are no recordings", async () => {
    await archive.keep(toKeep(audioOf(10)));
    await once(spawn("mkfifo", [join(root, "pipe.mp3")]), "exit");
    expect((await play(archive, "pipe.mp3")).status).toBe(404);
    expect((await play(archive, "acme/2026")).status).toBe(404);
  });
});

/** Keeps one recording whose body never ends. */
const endless = `
  import { Readable } from "node:stream";
  import { openArchive } from ${JSON.stringify(join(import.meta.dirname, "../../src/archive/index.ts"))};
  async function* forever() {
    for (;;) { yield Buffer.alloc(10_000); await new Promise((go) => setTimeout(go, 5)); }
  }
  const body = Readable.from(forever());
  const archive = openArchive({ folder: process.argv[1] }, { spoolFolder: process.argv[1] });
  await archive.keep({ name: "acme/k", type: "audio/mpeg", body, maxBytes: 1e12 });
`;

describe("what a killed process left behind", () => {
  test("is never a recording, stays while it is written, and is gone after the next start", async () => {
    const child = spawn(process.execPath, ["--input-type=module", "-e", endless, root], { stdio: "inherit" });
    const left = () => filesIn(base);
    await waitFor("half a recording", () => left().some((file) => statSync(file).size > 50_000));
    await archive.ready();
    expect(left()).toHaveLength(1);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(left()).toEqual([expect.stringMatching(/\.incoming\/[^/]+\.part$/)]);
    const next = openRoot();
    await next.keep(toKeep(audioOf(10)));
    expect(left()).toEqual([expect.stringMatching(/k3x9-/)]);
  });

  test("is known by its process, also when the next one has the same number", async () => {
    const folder = join(root, ".incoming");
    mkdirSync(folder, { recursive: true });
    const body = new PassThrough();
    const keeping = archive.keep(toKeep(body));
    body.write(audioOf(10));
    const [own = ""] = await waitFor(
      "the first bytes",
      () => body.readableLength === 0 && readdirSync(folder),
    );
    writeFileSync(join(folder, own.replace(/[0-9a-f]+\.part$/, "abc.part")), "half");
    await openRoot().ready();
    expect(readdirSync(folder)).toEqual([own]);
    body.end();
    expect(await keeping).toMatchObject({ bytes: 10 });
  });

  test("on another machine is left alone as long as it may still be written to", async () => {
    const folder = join(root, ".incoming");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "other.host-1-abc.part"), "half");
    writeFileSync(join(folder, "notes.txt"), "somebody's");
    await openRoot().ready();
    expect(readdirSync(folder).sort()).toEqual(["notes.txt", "other.host-1-abc.part"]);
    const now = () => Date.now() + 3_700_000;
    await openArchive({ folder: root }, { spoolFolder: base, now }).ready();
    expect(readdirSync(folder)).toEqual(["notes.txt"]);
  });
});
