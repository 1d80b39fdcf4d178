import { describe, expect, test } from "vitest";
import type { CallEvent } from "../../src/core/call.ts";
import { canonical, fold } from "../../src/core/fold.ts";
import { voys } from "../../src/providers/voys/index.ts";
import { deliveriesOf, loadFixture } from "../contracts/provider.ts";

const inboundLeg = "24c562241e9f-1502721212.100";
const consultLeg = "24c562241e9f-1502721212.101";

function eventsIn(name: string): CallEvent[] {
  return deliveriesOf("voys", loadFixture("voys", name)).flatMap((delivery) => voys.decode(delivery));
}

/** Anna calls Bram, Bram consults Cees and hands Anna over; six notifications, one call. */
describe.each([
  { name: "warm-transfer.json", kind: "warm", survivor: inboundLeg },
  { name: "warm-transfer-switched-ids.json", kind: "warm", survivor: consultLeg },
  { name: "cold-transfer.json", kind: "cold", survivor: inboundLeg },
  { name: "cold-transfer-switched-ids.json", kind: "cold", survivor: consultLeg },
])("$name", ({ name, kind, survivor }) => {
  const events = eventsIn(name);

  test("is one inbound call of the outsider, from the first ring to the last word", () => {
    expect(fold(events)).toMatchObject({
      callId: survivor,
      legs: [inboundLeg, consultLeg],
      phase: "ended",
      direction: "inbound",
      outcome: "completed",
      customer: { number: "+31501234567", name: "Anna de Vries" },
      line: "+31507654321",
      startedAt: "2019-12-04T10:00:07.123Z",
      answeredAt: "2019-12-04T10:00:14.123Z",
      endedAt: "2019-12-04T10:00:42.123Z",
      talkSeconds: 28,
      transfer: { kind, to: { number: "+31507654322", name: "Cees Bakker" }, by: "Bram Jansen" },
    });
  });

  test("was last talked to by the one it was handed to", () => {
    const agents = fold(events).agents.toSorted((a, b) => ((a.talkedAt ?? "") < (b.talkedAt ?? "") ? 1 : -1));
    expect(agents.map((agent) => agent.name)).toEqual(["Cees Bakker", "Bram Jansen"]);
  });

  test("is the same in each of its 720 orders, repeated or not", () => {
    const expected = canonical(fold(events));
    const orders = permutations(events);
    expect(orders).toHaveLength(720);
    for (const order of orders) expect(canonical(fold([...order, ...order.slice(2, 4)]))).toBe(expected);
  });

  test("does not take a colleague for the customer while the transfer is still to come", () => {
    const consult = fold(
      events.filter(({ facts, callId }) => callId === consultLeg && !facts.transfer).slice(0, 1),
    );
    expect(consult.direction).toBe("internal");
    expect(consult).not.toHaveProperty("customer");
  });
});

describe("a status that only says transfer", () => {
  const transfer = loadFixture("voys", "bare-transfer.json").requests[0]?.body as { destination: object };
  const kindWith = (destination: object) => {
    const source = { source: "", requests: [{ body: { ...transfer, destination } }], events: [] };
    const event = deliveriesOf("voys", source).flatMap((delivery) => voys.decode(delivery))[0];
    return { kind: event?.facts.transfer?.kind, phase: event?.phase, sameCallAs: event?.sameCallAs };
  };
  const [one, two] = [{ account_number: 202 }, { account_number: 203 }];

  test.each([
    ["one target object", { target: one }, "warm", "answered"],
    ["a list of one", { targets: [one] }, "warm", "answered"],
    ["a list of several", { targets: [one, two] }, "cold", undefined],
    ["no target", { number: "202" }, "unknown", undefined],
  ])("with %s", (_words, destination, kind, phase) => {
    expect(kindWith(destination)).toEqual({ kind, phase, sameCallAs: consultLeg });
  });
});

test("a group that a call was handed to is known by the number dialled", () => {
  const body = {
    ...(loadFixture("voys", "cold-transfer.json").requests[3]?.body as object),
    destination: { number: "300", targets: [{ account_number: 202 }, { account_number: 203 }] },
    redirector: { number: "201" },
  };
  const [event] = deliveriesOf("voys", { source: "", requests: [{ body }], events: [] }).flatMap((delivery) =>
    voys.decode(delivery),
  );
  expect(event?.facts.transfer).toEqual({
    kind: "cold",
    from: { number: "201" },
    to: { number: "300" },
    by: "201",
  });
});

test.each([inboundLeg, "", "a\u0000b", "x".repeat(129), 7.5e300, ["a"]])(
  "merged_id %j loses no call",
  (merged_id) => {
    const body = { ...(loadFixture("voys", "bare-transfer.json").requests[0]?.body as object), merged_id };
    const [delivery] = deliveriesOf("voys", { source: "", requests: [{ body }], events: [] });
    const [event] = delivery ? voys.decode(delivery) : [];
    expect(event?.callId).toBe(inboundLeg);
    expect(event?.sameCallAs ?? "7.5e+300").toBe("7.5e+300");
  },
);

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, i) =>
    permutations([...items.slice(0, i), ...items.slice(i + 1)]).map((rest) => [item, ...rest]),
  );
}
