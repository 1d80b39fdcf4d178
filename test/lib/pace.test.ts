import { expect, test } from "vitest";
import { createTurns, eachInTurn, inParts } from "../../src/lib/pace.ts";

/** Holds the thread. */
function work(ms: number): void {
  const start = performance.now();
  while (performance.now() - start < ms);
}

test("a long list of work lets other work in between, and keeps its order", async () => {
  const done: string[] = [];
  const others = Array.from({ length: 3 }, (_, i) => () => done.push(`other ${i}`));
  const next = () => {
    const other = others.shift();
    if (!other) return;
    other();
    setImmediate(next);
  };
  setImmediate(next);
  const results = await eachInTurn([1, 2, 3, 4, 5, 6], (item) => {
    work(4);
    done.push(`item ${item}`);
    return item * 2;
  });
  expect(results).toEqual([2, 4, 6, 8, 10, 12]);
  expect(done.indexOf("other 2")).toBeLessThan(done.indexOf("item 6"));
});

test("what goes wrong in it ends it", async () => {
  const done: number[] = [];
  const run = eachInTurn([1, 2, 3], async (item) => {
    if (item === 2) throw new Error("two");
    done.push(item);
  });
  await expect(run).rejects.toThrow("two");
  expect(done).toEqual([1]);
});

test("pieces of work run one after another, also after one that fails", async () => {
  const inTurn = createTurns();
  const steps: string[] = [];
  const work = (name: string, fails = false) =>
    inTurn(async () => {
      steps.push(`${name} begins`);
      await new Promise((resolve) => setTimeout(resolve, 1));
      steps.push(`${name} ends`);
      if (fails) throw new Error(name);
      return name;
    });
  const all = await Promise.allSettled([work("a", true), work("b"), work("c")]);
  expect(all.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
  expect(steps).toEqual(["a", "b", "c"].flatMap((name) => [`${name} begins`, `${name} ends`]));
});

test("a list is cut into parts, and none stays none", () => {
  expect(inParts([1, 2, 3], 2)).toEqual([[1, 2], [3]]);
  expect(inParts([], 2)).toEqual([]);
});
