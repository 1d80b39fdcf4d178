import type { ServerResponse } from "node:http";
import { Readable, Writable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { createListeners, type ListenerLimits, pumpAudio, usualLimits } from "../../src/routes/audio.ts";

const ended: string[] = [];
const house = (limits: Partial<ListenerLimits> = {}) => {
  ended.length = 0;
  const { take } = createListeners({ ...usualLimits, stalledMs: 0, ...limits });
  return (link: number, client?: string, name = "") =>
    take({ link, client, end: () => void ended.push(name) });
};
const refusal = (work: () => unknown): number => {
  try {
    work();
    return 200;
  } catch (error) {
    return (error as { status: number }).status;
  }
};

describe("places for listeners", () => {
  test("are limited for each link and in all, and free again when they leave", () => {
    const take = house({ listeners: 4, perLink: 2 });
    const [first] = [take(1), take(1), take(2), take(3)];
    expect(refusal(() => take(1))).toBe(429);
    expect(refusal(() => take(4))).toBe(503);
    first?.leave();
    first?.leave();
    expect(refusal(() => take(4))).toBe(200);
    expect(refusal(() => take(5))).toBe(503);
    expect(ended).toEqual([]);
  });

  test("are kept by who reads, however slowly, and lost by who has been blocked for the longest", async () => {
    const take = house({ listeners: 4, perLink: 4 });
    const [a, b, c] = ["a", "b", "c", "d"].map((name) => take(1, undefined, name));
    c?.stalls();
    c?.goesOn();
    b?.stalls();
    await pause(2);
    a?.stalls();
    expect(refusal(() => take(1))).toBe(200);
    expect(refusal(() => take(2))).toBe(200);
    expect(ended).toEqual(["b", "a"]);
    expect(refusal(() => take(3))).toBe(503);
  });

  test("are not lost by a connection that was blocked just now", () => {
    const take = house({ listeners: 1, stalledMs: 10_000 });
    take(1).stalls();
    expect(refusal(() => take(2))).toBe(503);
  });

  test("are lost by the link that has the most of them, and not by one that was blocked earlier", async () => {
    const take = house({ listeners: 4 });
    take(1, undefined, "alone").stalls();
    await pause(2);
    for (const name of ["one", "two", "three"]) take(2, undefined, name).stalls();
    take(3);
    take(3);
    expect(ended).toEqual(["one", "two"]);
  });

  test("stay for others when one address wants them all, over many links", () => {
    const take = house();
    const wanted = Array.from({ length: 200 }, (_, link) => refusal(() => take(link, "93.184.216.34")));
    expect(wanted.filter((status) => status === 200)).toHaveLength(150);
    expect(wanted.filter((status) => status === 429)).toHaveLength(50);
    const others = Array.from({ length: 60 }, (_, link) =>
      refusal(() => take(1_000 + link, "93.184.216.35")),
    );
    expect(others.filter((status) => status === 200)).toHaveLength(50);
  });

  test("are all for those behind one proxy, whose address tells nothing of them", () => {
    const take = house();
    const wanted = Array.from({ length: 201 }, (_, link) => refusal(() => take(link)));
    expect(wanted.filter((status) => status === 200)).toHaveLength(200);
    expect(wanted.at(-1)).toBe(503);
  });
});

test("a listener holds its place until it has taken the end as well", async () => {
  const told: string[] = [];
  const stuck = Object.assign(new Writable({ write() {} }), { flushHeaders() {} });
  const progress = {
    stalls: () => void told.push("stalls"),
    goesOn: () => void told.push("goes on"),
    passed: (bytes: number) => void told.push(`${bytes} bytes`),
  };
  const pumped = pumpAudio(
    Readable.from([Buffer.from("audio")]),
    stuck as unknown as ServerResponse,
    { ...usualLimits, listenerIdleMs: 50 },
    progress,
  );
  await expect(pumped).rejects.toThrow("took nothing");
  expect(told).toEqual(["5 bytes", "stalls"]);
});
