import { describe, expect, test } from "vitest";
import { groupsOf, windowsOf } from "../../src/providers/exotel/polling.ts";

const now = Date.parse("2026-09-10T12:00:00.700Z");

describe("the windows of a span", () => {
  test.each([
    [
      "a day",
      "2026-09-01T00:00:00.000Z",
      "2026-09-02T00:00:00.000Z",
      "2026-09-01 05:30:00 2026-09-02 05:29:59",
    ],
    [
      "part of a second",
      "2026-09-01T00:00:00.600Z",
      "2026-09-01T00:00:00.900Z",
      "2026-09-01 05:30:00 2026-09-01 05:30:00",
    ],
    [
      "until now and on",
      "2026-09-10T11:59:59.000Z",
      "2027-01-01T00:00:00.000Z",
      "2026-09-10 17:29:59 2026-09-10 17:30:00",
    ],
  ])("of %s in Indian time", (_name, since, until, window) => {
    const [from, to] = [window.slice(0, 19), window.slice(20)];
    expect(windowsOf({ since, until }, now)).toEqual([`gte:${from};lte:${to}`]);
  });

  test("of a long span follow one another to the second", () => {
    expect(windowsOf({ since: "2026-07-01T00:00:00.000Z", until: "2026-09-01T00:00:00.000Z" }, now)).toEqual([
      "gte:2026-07-01 05:30:00;lte:2026-07-29 05:29:59",
      "gte:2026-07-29 05:30:00;lte:2026-08-26 05:29:59",
      "gte:2026-08-26 05:30:00;lte:2026-09-01 05:29:59",
    ]);
  });

  test("leave out what is over or empty", () => {
    const [first] = windowsOf({ since: "2020-01-01T00:00:00.000Z", until: "2026-03-20T00:00:00.000Z" }, now);
    expect(first).toBe("gte:2026-03-14 17:30:01;lte:2026-03-20 05:29:59");
    expect(windowsOf({ since: "2020-01-01T00:00:00.000Z", until: "2021-01-01T00:00:00.000Z" }, now)).toEqual(
      [],
    );
    expect(windowsOf({ since: "2026-10-01T00:00:00.000Z", until: "2026-10-02T00:00:00.000Z" }, now)).toEqual(
      [],
    );
    expect(windowsOf({ since: "2026-09-01T00:00:00.000Z", until: "2026-09-01T00:00:00.000Z" }, now)).toEqual(
      [],
    );
    expect(windowsOf({ since: "never", until: "2026-09-01T00:00:00.000Z" }, now)).toEqual([]);
  });
});

describe("calls asked for by their ids", () => {
  const on = (day: string) => ({ startedAt: `${day}T00:00:00.000Z` });

  test("go together as long as a month holds them with a day on either side", () => {
    const groups = groupsOf(
      [on("2026-08-27"), on("2026-07-01"), on("2026-07-27"), on("2026-08-01"), {}],
      now,
    );
    expect(groups).toEqual([
      {
        window: "gte:2026-06-30 05:30:00;lte:2026-07-28 05:29:59",
        calls: [on("2026-07-01"), on("2026-07-27")],
      },
      {
        window: "gte:2026-07-31 05:30:00;lte:2026-08-28 05:29:59",
        calls: [on("2026-08-01"), on("2026-08-27")],
      },
      { window: undefined, calls: [{}] },
    ]);
  });

  test("are left out when they are too old to be told", () => {
    expect(groupsOf([on("2025-01-01")], now)).toEqual([]);
  });
});
