import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { createBodyRoom } from "../../src/lib/body-room.ts";

const overhead = 256;
const limit = 10_000;

/** A room, and who had to give way in which order. */
function roomOf() {
  const room = createBodyRoom(limit);
  const refused: string[] = [];
  const enter = (name: string, isProved = false) =>
    room.enter({}, isProved, (reason) => {
      expect(reason).toMatchObject({ status: 503, retryAfterSeconds: 5 });
      refused.push(name);
    });
  return { enter, refused };
}

describe("the room for bodies", () => {
  test("takes what fits, and what left makes room again", () => {
    const { enter, refused } = roomOf();
    for (let i = 0; i < 50; i++) {
      const seat = enter(`body ${i}`);
      seat.grow(limit - overhead);
      seat.leave();
    }
    expect(refused).toEqual([]);
  });

  test("counts what each chunk costs, however small", () => {
    const { enter, refused } = roomOf();
    const seat = enter("byte by byte");
    for (let i = 0; i < limit / overhead; i++) seat.grow(1);
    expect(refused).toEqual(["byte by byte"]);
  });

  test("takes it from the largest that is not proved", async () => {
    const { enter, refused } = roomOf();
    enter("proved", true).grow(5_000);
    enter("small").grow(100);
    enter("large").grow(3_000);
    await pause(5);
    enter("last", true).grow(4_000);
    expect(refused).toEqual(["large"]);
  });

  test("takes it from the slow rather than from the fast", async () => {
    const { enter, refused } = roomOf();
    enter("slow").grow(2_000);
    await pause(100);
    const fast = enter("fast");
    fast.grow(6_000);
    fast.grow(2_000);
    expect(refused).toEqual(["slow"]);
  });

  test("takes it from proved ones when there are no others, also from the one that grows", async () => {
    const { enter, refused } = roomOf();
    enter("first", true).grow(8_000);
    await pause(5);
    const second = enter("second", true);
    second.grow(4_000);
    expect(refused).toEqual(["first"]);
    second.grow(8_000);
    expect(refused).toEqual(["first", "second"]);
    enter("third").grow(limit - overhead);
    expect(refused).toHaveLength(2);
  });

  test("never takes it from a body that is complete", () => {
    const { enter, refused } = roomOf();
    const complete = enter("complete");
    complete.grow(9_000);
    complete.settle();
    const next = enter("next", true);
    next.grow(2_000);
    expect(refused).toEqual(["next"]);
    complete.leave();
    next.leave();
    enter("after").grow(9_000);
    expect(refused).toEqual(["next"]);
  });
});
