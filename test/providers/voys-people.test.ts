import { describe, expect, test } from "vitest";
import { fold } from "../../src/core/fold.ts";
import { bram, cees, decode } from "./voys-notification.ts";

describe("who was on the company's side", () => {
  const agentsIn = (destination: object, changes: object = {}) =>
    decode({ destination: { number: "+31201234567", ...destination }, ...changes }).facts.agents;

  test("the target talks, in the singular or the plural", () => {
    const expected = [{ ids: ["201", "401"], name: "Bram", talked: true }];
    expect(agentsIn({ target: bram }, { status: "in-progress" })).toEqual(expected);
    expect(agentsIn({ targets: [bram] }, { status: "in-progress" })).toEqual(expected);
  });

  test("several targets ring, and nobody knows who talked", () => {
    for (const status of ["ringing", "in-progress"]) {
      const agents = agentsIn({ targets: [bram, cees] }, { status });
      expect(agents).toEqual([
        { ids: ["201", "401"], name: "Bram" },
        { ids: ["202", "402"], name: "Cees" },
      ]);
    }
  });

  test.each([[7], ["7"], [[7]], [["7", null, ""]]])("the account number %j is 7", (account_number) => {
    expect(agentsIn({ target: { account_number } })).toEqual([{ ids: ["7"] }]);
  });

  test("a fixed destination is known by its user, else by its number, else by its e-mail address", () => {
    const mobile = {
      account_number: null,
      number: "+31687654321",
      user_emails: ["bram@example.com", "b@x.nl"],
    };
    const email = "bram@example.com";
    expect(agentsIn({ target: { ...mobile, user_numbers: ["401"] } })).toEqual([{ ids: ["401"], email }]);
    expect(agentsIn({ target: mobile })).toEqual([{ ids: ["+31687654321"], email }]);
    expect(agentsIn({ target: { ...mobile, number: "+31201234567" } })).toEqual([{ ids: [email], email }]);
    expect(agentsIn({ target: { number: "+31201234567", name: "Group" } })).toBeUndefined();
  });
});

describe("on an outbound call", () => {
  const outbound = { direction: "outbound", caller: bram, destination: { number: "0612345678" } };

  test("the caller is the agent, but a company number alone is nobody", () => {
    expect(decode(outbound).facts.agents).toEqual([{ ids: ["201", "401"], name: "Bram" }]);
    const anyone = { account_number: null, user_numbers: [], number: "+31201234567" };
    expect(decode({ ...outbound, caller: anyone }).facts).not.toHaveProperty("agents");
    expect(decode({ ...outbound, caller: { number: "201" } }).facts.agents).toEqual([{ ids: ["201"] }]);
  });

  test("the one it is handed to is the agent who talks", () => {
    const { facts } = decode({
      ...outbound,
      status: "warm-transfer",
      destination: { number: "+31201234568", target: cees },
    });
    expect(facts.agents).toEqual([{ ids: ["202", "402"], name: "Cees", talked: true }]);
  });
});

describe("a call between colleagues", () => {
  const consult = { direction: "outbound", caller: { ...bram, number: "201" } };

  test("has no customer, also when its end names no target", () => {
    const number = "+31201234568";
    const ring = decode({ ...consult, destination: { number, targets: [cees] } });
    const end = decode({
      ...consult,
      status: "ended",
      reason: "no-answer",
      timestamp: "2026-02-03T04:06:06Z",
      destination: { number },
    });
    const call = fold([end, ring]);
    expect(call.direction).toBe("internal");
    expect(call).not.toHaveProperty("customer");
  });

  test("is one between two extensions", () => {
    expect(decode({ ...consult, destination: { number: "202" } }).facts.direction).toBe("internal");
  });

  test("is not one from a caller without an internal number", () => {
    const unknown = { number: "+31201234567", account_number: null, user_numbers: [] };
    const { facts } = decode({
      ...consult,
      caller: unknown,
      destination: { number: "0612345678", targets: [cees] },
    });
    expect(facts.direction).toBe("outbound");
  });

  test("is not one to an outsider", () => {
    const outsider = { account_number: null, user_numbers: [], number: "0612345678", name: "Anna" };
    const { facts } = decode({ ...consult, destination: { number: "0612345678", targets: [outsider] } });
    expect(facts).toMatchObject({ direction: "outbound", customer: { number: "0612345678", name: "Anna" } });
    expect(facts).not.toHaveProperty("line");
  });
});
