import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Store } from "../../src/store/contract.ts";
import { type OpenStore, t0 } from "./store-samples.ts";

/** The contract that every store keeps. `open` gives an empty one. */
export function testMappingStore(name: string, open: OpenStore): void {
  describe(`${name} keeps the versions of mappings`, () => {
    let store: Store;
    let reopen: () => Promise<Store>;
    beforeEach(async () => {
      ({ store, reopen } = await open());
    });
    afterEach(() => store.close());

    const add = (after: number, ...texts: string[]) =>
      store.addMappingVersions("acme", after, {
        versions: texts.map((text) => ({ at: t0, text, who: "Noor", comment: `about ${text}` })),
        isShared: false,
      });

    test("as they were, over a restart, the latest first", async () => {
      await store.addMappingVersions("acme", 0, { versions: [{ at: t0, text: "{}" }], isShared: false });
      expect(await add(1, '{ "a": "é" }\n')).toBe(true);
      expect(
        await store.addMappingVersions("globex", 0, { versions: [{ at: t0, text: "x" }], isShared: false }),
      ).toBe(true);
      store = await reopen();
      expect(await store.mappingVersions("acme")).toEqual([
        { number: 2, at: t0, who: "Noor", comment: 'about { "a": "é" }\n', characters: 13 },
        { number: 1, at: t0, characters: 2 },
      ]);
      expect(await store.mappingVersion("acme", 1)).toEqual({ number: 1, at: t0, text: "{}" });
      expect((await store.mappingVersion("acme"))?.text).toBe('{ "a": "é" }\n');
      expect(await store.mappingVersion("acme", 3)).toBeUndefined();
      expect(await store.mappingVersion("nobody")).toBeUndefined();
    });

    test("once: of two that follow the same one, the second is refused", async () => {
      const results = await Promise.all([add(0, "one"), add(0, "two")]);
      expect(results.filter(Boolean)).toHaveLength(1);
      expect(await store.mappingVersions("acme")).toHaveLength(1);
      expect(await add(0, "three")).toBe(false);
      expect(await add(2, "three")).toBe(false);
    });

    test("the last 50 of them", async () => {
      for (let after = 0; after < 52; after += 1) await add(after, `text ${after + 1}`);
      const numbers = (await store.mappingVersions("acme")).map(({ number }) => number);
      expect([numbers.length, numbers[0], numbers.at(-1)]).toEqual([50, 52, 3]);
    });

    test("until the installation is erased, and how far applying them is", async () => {
      await add(0, "one");
      await store.saveMappingApply("acme", "{}", t0);
      await store.saveMappingApply("acme", '{"calls":1}', t0 + 1);
      expect(await store.mappingApply("acme")).toEqual({ body: '{"calls":1}', updatedAt: t0 + 1 });
      await store.eraseInstallation("acme");
      expect(await store.mappingVersions("acme")).toEqual([]);
      expect(await store.mappingApply("acme")).toBeUndefined();
    });
  });
}
