import { expect, test } from "vitest";
import { createCache, inHalves, onceEach } from "../../src/lib/patterns.ts";

test("a sentence is passed on once, and one of the same kind not at all", () => {
  const passed: string[] = [];
  const warn = onceEach((sentence) => passed.push(sentence), 3);
  for (const sentence of ["a", "b", "a"]) warn(sentence);
  warn("c", "kind");
  warn("d", "kind");
  expect(passed).toEqual(["a", "b", "c"]);
  for (const sentence of ["e", "e"]) warn(sentence);
  expect(passed.slice(3)).toEqual(["e", "e"]);
});

test("the bad ones of many are found by halving, each sent alone once", async () => {
  const sent: number[][] = [];
  const bad = new Set([3, 6]);
  await inHalves([1, 2, 3, 4, 5, 6, 7, 8], async (part) => {
    sent.push([...part]);
    return part.some((one) => bad.has(one)) ? part : [];
  });
  expect(sent.slice(0, 3)).toEqual([
    [1, 2, 3, 4, 5, 6, 7, 8],
    [1, 2, 3, 4],
    [1, 2],
  ]);
  for (const one of bad)
    expect(sent.filter(([first, ...rest]) => first === one && !rest.length)).toHaveLength(1);
  await inHalves([], async () => {
    throw new Error("nothing to send");
  });
});

test("only what was returned is sent again", async () => {
  const sent: string[] = [];
  await inHalves(["a", "b", "c"], async (part) => {
    sent.push(part.join(""));
    return part.filter((one) => one === "b");
  });
  expect(sent).toEqual(["abc", "b"]);
});

test("a value is loaded again when it is an hour old, failed, or forgotten", async () => {
  let now = 0;
  let loads = 0;
  const cache = createCache<string, number>(() => now);
  const load = async () => {
    loads += 1;
    return loads;
  };
  expect(await Promise.all([cache.get("a", load), cache.get("a", load)])).toEqual([1, 1]);
  now += 3_599_999;
  expect(await cache.get("a", load)).toBe(1);
  now += 1;
  expect(await cache.get("a", load)).toBe(2);
  cache.drop("a");
  expect(await cache.get("a", load)).toBe(3);
  await expect(cache.get("b", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await cache.get("b", load)).toBe(4);
  expect(cache.forget(1_000)).toBe(false);
  now += 1_000;
  expect(cache.forget(1_000)).toBe(true);
  expect(cache.forget()).toBe(false);
});
