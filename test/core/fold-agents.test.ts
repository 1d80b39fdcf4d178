import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Agent } from "../../src/core/call.ts";
import { fold } from "../../src/core/fold.ts";
import { joinAgents } from "../../src/core/fold-facts.ts";
import { growth, type Probe } from "../support/linear.ts";

/** The rule of `joinAgents`, told one agent after another. */
function joinSlowly(told: readonly Agent[]): Agent[] {
  let agents: Agent[] = [];
  for (const agent of told) {
    const same = agents.filter(({ ids }) => ids.some((id) => agent.ids.includes(id)));
    const all = [...same, agent];
    const name = all.findLast((one) => one.name)?.name;
    const email = all.findLast((one) => one.email)?.email;
    const kind = all.findLast((one) => one.kind)?.kind;
    const talkedAt = all
      .flatMap((one) => one.talkedAt ?? [])
      .sort()
      .at(-1);
    const ids = [...new Set(all.flatMap((one) => one.ids))];
    const joined: Agent = {
      ids,
      ...(name && { name }),
      ...(email && { email }),
      ...(kind && { kind }),
      ...(talkedAt && { talkedAt }),
    };
    const kept = agents.map((one) => (one === same[0] ? joined : one));
    agents = kept.filter((one) => !same.includes(one));
    if (same.length === 0) agents.push(joined);
  }
  return agents;
}

const anyAgent = fc.record(
  {
    ids: fc.array(fc.constantFrom(..."abcdefghijkl"), { minLength: 1, maxLength: 3 }),
    name: fc.constantFrom("", "Bram", "Ravi"),
    email: fc.constantFrom("", "b@example.com", "r@example.com"),
    kind: fc.constantFrom("person" as const, "ai" as const),
    talkedAt: fc.constantFrom("2026-01-01T00:00:01.000Z", "2026-01-01T00:00:02.000Z"),
  },
  { requiredKeys: ["ids"] },
);

/** Each event names agents that no other names. */
const manyAgents: Probe = {
  name: "events with agents of their own",
  at: (length) => {
    const events = Array.from({ length: length / 100 }, (_, i) => ({
      callId: "c",
      at: `2026-01-01T00:00:00.${String(i).padStart(3, "0")}Z`,
      kind: "ringing",
      facts: { agents: Array.from({ length: 100 }, (_, j) => ({ ids: [`${i} ${j}`] })) },
    }));
    return () => fold(events);
  },
};

/** The last agents are joined first, each time with all that were joined before. */
const chain: Probe = {
  name: "agents that are joined from the last to the first",
  at: (length) => {
    const agents = Array.from({ length }, (_, i) => ({ ids: [`${i}`] }));
    const joints = Array.from({ length: length - 1 }, (_, i) => ({ ids: [`${i}`, `${i + 1}`] }));
    const told = [...agents, ...joints.reverse()];
    return () => joinAgents(told);
  },
};

describe("agents of many events", () => {
  test("are joined by any of their ids", () => {
    fc.assert(
      fc.property(fc.array(anyAgent, { maxLength: 14 }), (told) => {
        expect(joinAgents(told)).toEqual(joinSlowly(told));
      }),
    );
  });

  test.each([manyAgents, chain])("take time in proportion to their number: $name", (probe) => {
    expect(growth(probe, [2_000, 16_000])).toBeUndefined();
  });
});
