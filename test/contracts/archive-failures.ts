import { once } from "node:events";
import { PassThrough, Readable } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { ArchiveError } from "../../src/core/errors.ts";
import { type ArchiveUnderTest, ask, audioOf, play, toKeep } from "../support/archived.ts";
import { waitFor } from "../support/server.ts";

/** The part of the contract that is about what cannot be kept or is not wanted any more. */
export function testFailedKeeping(world: () => ArchiveUnderTest): void {
  /** Kept before all goes wrong: it must be playable ever after. */
  const keepOld = async () => (await world().archive.keep(toKeep(audioOf(100, 7)))).place;
  const expectOnlyOld = async (place: string) => {
    expect((await play(world().archive, place)).audio.equals(audioOf(100, 7))).toBe(true);
    expect(world().left()).toHaveLength(1);
  };

  test("refuses what is too large, and takes what just fits", async () => {
    const old = await keepOld();
    const body = Readable.from([audioOf(600), audioOf(600)]);
    await expect(world().archive.keep(toKeep(body, { maxBytes: 1_199 }))).rejects.toMatchObject({
      name: "ArchiveError",
      retry: "never",
      message: expect.stringMatching(/larger than 1199 bytes/),
    });
    expect(body.destroyed).toBe(true);
    await expectOnlyOld(old);
    expect(await world().archive.keep(toKeep(audioOf(1_200), { maxBytes: 1_200 }))).toMatchObject({
      bytes: 1_200,
    });
  });

  test("leaves nothing of a body that breaks off", async () => {
    const old = await keepOld();
    const brokenOff = new Error("socket hang up");
    async function* half() {
      yield audioOf(50_000);
      throw brokenOff;
    }
    await expect(world().archive.keep(toKeep(Readable.from(half())))).rejects.toMatchObject({
      name: "ArchiveError",
      retry: "later",
      message: "the recording broke off after 50000 bytes: socket hang up",
      cause: brokenOff,
    });
    await expectOnlyOld(old);
  });

  test("leaves nothing of a body that was closed before its end", async () => {
    const body = new PassThrough();
    const keeping = world().archive.keep(toKeep(body));
    body.write(audioOf(1_000));
    await turn();
    body.destroy();
    await expect(keeping).rejects.toMatchObject({ name: "ArchiveError", retry: "later" });
    expect(world().left()).toEqual([]);
  });

  test("leaves nothing of a body that fails before it is looked at", async () => {
    const body = new PassThrough();
    const keeping = world().archive.keep(toKeep(body));
    body.destroy(new Error("socket hang up"));
    await expect(keeping).rejects.toMatchObject({
      retry: "later",
      message: expect.stringMatching(/broke off after 0 bytes/),
    });
    expect(world().left()).toEqual([]);
  });

  test("leaves nothing of what is stopped halfway", async () => {
    const old = await keepOld();
    const body = new PassThrough();
    const stop = new AbortController();
    const keeping = world().archive.keep(toKeep(body), stop.signal);
    body.write(audioOf(10_000));
    await waitFor("the first bytes to be taken", () => body.readableLength === 0);
    const reason = new Error("Switchhook stops");
    stop.abort(reason);
    await expect(keeping).rejects.toMatchObject({ name: "ArchiveError", retry: "later", cause: reason });
    expect(body.destroyed).toBe(true);
    await expectOnlyOld(old);
  });

  test("begins nothing that was stopped already", async () => {
    const body = Readable.from([audioOf(10)]);
    const keeping = world().archive.keep(toKeep(body), AbortSignal.abort());
    await expect(keeping).rejects.toMatchObject({ name: "ArchiveError", retry: "later" });
    expect(body.destroyed).toBe(true);
    expect(world().left()).toEqual([]);
  });

  test("stops playing when the listener leaves, before, while and after", async () => {
    const { archive } = world();
    const { place } = await archive.keep(toKeep(audioOf(900_000)));
    const listener = new AbortController();
    const { body } = await ask(archive, place, {}, listener.signal);
    await once(body, "readable");
    listener.abort();
    await expect(body.toArray()).rejects.toThrow();
    expect(body.destroyed).toBe(true);
    const unread = new AbortController();
    const left = await ask(archive, place, {}, unread.signal);
    left.body.destroy();
    unread.abort();
    const gone = ask(archive, place, {}, AbortSignal.abort()).then(({ body: none }) => none.toArray());
    await expect(gone).rejects.toThrow();
    await archive.remove(place);
  });

  test.each([
    "../k",
    "acme/../../k",
    "/etc/k",
    "acme//k",
    "acme/./k",
    ".hidden",
    "acme/.incoming/k",
    "a\\..\\k",
    "C:k",
    "a b",
    "a\0b",
    "é",
    "a?b",
    "",
    `a/${"k".repeat(121)}`,
    `${"a/".repeat(250)}k`,
  ])("refuses the name %j", async (name) => {
    const { archive, left } = world();
    const body = Readable.from([audioOf(10)]);
    await expect(archive.keep(toKeep(body, { name }))).rejects.toMatchObject({
      name: "ArchiveError",
      retry: "never",
    });
    expect(body.destroyed).toBe(true);
    expect((await play(archive, name)).status).toBe(404);
    await expect(archive.remove(name)).rejects.toThrow(ArchiveError);
    expect(left()).toEqual([]);
  });
}
