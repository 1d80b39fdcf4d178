import { describe, expect, test } from "vitest";
import type { CallEvent, Facts } from "../../src/core/call.ts";
import {
  foldCall,
  ownNumbers,
  reportedLine,
  settleCustomer,
  undecidedEnds,
} from "../../src/core/customer.ts";
import { canonical } from "../../src/core/fold.ts";

const settings = {
  region: "IN",
  companyNumbers: ["080 4000 0022"],
  agents: [
    { email: "asha@example.com", phones: ["+91 90000 00024"], exotel: ["agent_001", "09000000025"] },
    { email: "ben@example.com", exotel: ["201"] },
  ],
};
const own = ownNumbers(settings, "exotel", ["+912240000033"]);
const person = "09820000011";

function on(facts: Facts, second = 1): CallEvent {
  return { callId: "a", at: `2026-02-02T10:00:0${second}.000Z`, kind: "told", phase: "ended", facts };
}

/** An outgoing call whose message guesses that `to` is the customer. */
function rang(from: string, to: string, more: Facts = {}): CallEvent {
  const agents = [{ ids: [from], talked: true }];
  return on({ direction: "outbound", customer: { number: to }, otherEnd: { number: from }, agents, ...more });
}

describe("what is the installation's own", () => {
  test.each([
    ["+918040000022", "line"],
    ["8040000022", "line"],
    ["02240000033", "line"],
    ["09000000024", "agent"],
    ["+919000000025", "agent"],
    [person, undefined],
    ["201", undefined],
    ["agent_001", undefined],
    [undefined, undefined],
  ])("%s is %s", (number, kind) => {
    expect(own.kindOf(number)).toBe(kind);
  });

  test("what another provider calls them is not", () => {
    expect(ownNumbers(settings, "retell", []).kindOf("+919000000025")).toBeUndefined();
  });
});

describe("who is the customer of an outgoing call", () => {
  test("the other end when the guess is the phone of an agent, who then is the agent and talked", () => {
    const { facts } = settleCustomer(rang(person, "09000000024"), own);
    expect(facts).toMatchObject({
      customer: { number: person },
      agents: [{ ids: ["09000000024"], talked: true }],
    });
    expect(facts).not.toHaveProperty("otherEnd");
  });

  test("the other end when the guess is a line, which is no agent", () => {
    const { facts } = settleCustomer(rang(person, "08040000022"), own);
    expect(facts).toMatchObject({ customer: { number: person }, line: "08040000022" });
    expect(facts).not.toHaveProperty("agents");
  });

  test("the guess when the other end is ours", () => {
    const { facts } = settleCustomer(rang("09000000024", person), own);
    expect(facts).toMatchObject({ customer: { number: person }, agents: [{ ids: ["09000000024"] }] });
  });

  test.each([
    ["both ends are ours", "09000000024", "08040000022"],
    ["neither end is known", person, "09820000012"],
  ])("the guess when %s", (_why, from, to) => {
    expect(foldCall([rang(from, to)], own)).toMatchObject({
      customer: { number: to },
      otherEnd: { number: from },
    });
  });

  test("nobody is named as the agent for an end that may be the customer", () => {
    const sip = { ids: ["agent_009"] };
    const call = foldCall([rang(person, "09820000012"), rang(person, "09820000012", { agents: [sip] })], own);
    expect(call.agents).toEqual([sip]);
  });

  test("a machine on the leg that turned out to be the customer's is a voicemail", () => {
    const event = rang(person, "09000000024", { outcome: "completed", otherOutcome: "voicemail" });
    expect(foldCall([event], own).outcome).toBe("voicemail");
    expect(
      foldCall([{ ...event, facts: rang("09000000024", person, event.facts).facts }], own),
    ).toMatchObject({
      outcome: "voicemail",
    });
    const guessed = rang("09000000024", person, { outcome: "completed", otherOutcome: "voicemail" });
    expect(foldCall([guessed], own).outcome).toBe("completed");
  });

  test("a message that is certain comes before one that guesses, whichever came first", () => {
    const guess = rang(person, "09820000012");
    const certain = on({ direction: "outbound", customer: { number: person } }, 2);
    for (const order of [
      [guess, certain],
      [certain, guess],
    ]) {
      const call = foldCall(order, own);
      expect(call.customer).toEqual({ number: person });
      expect(call).not.toHaveProperty("otherEnd");
    }
  });

  test("the one outsider, when a provider that names its customers rang an agent's phone first", () => {
    const first = on({ direction: "outbound", customer: { number: "+919000000024" } });
    const leg = on({ agents: [{ ids: ["+919820000011"], talked: true }] }, 2);
    expect(foldCall([leg, first], own)).toMatchObject({
      customer: { number: "+919820000011" },
      agents: [{ ids: ["+919000000024"], talkedAt: leg.at }],
    });
  });
});

describe("a call that tells no direction", () => {
  const ends = (from: string, to: string) => on({ customer: { number: from }, otherEnd: { number: to } });

  test("came in when the called number is ours, and went out when the calling one is", () => {
    expect(foldCall([ends(person, "08040000022")], own)).toMatchObject({
      direction: "inbound",
      customer: { number: person },
      line: "08040000022",
    });
    expect(foldCall([ends("08040000022", person)], own)).toMatchObject({
      direction: "outbound",
      customer: { number: person },
      line: "08040000022",
    });
  });

  test("names nobody when neither is known, unless another message tells the direction", () => {
    const open = ends(person, "09820000012");
    expect(foldCall([open], own)).not.toHaveProperty("customer");
    const call = foldCall([on({ direction: "outbound" }, 2), open], own);
    expect(call).toMatchObject({ direction: "outbound", customer: { number: "09820000012" } });
  });
});

describe("which lines a message tells", () => {
  test("the called number of an incoming call, and a line beside the two ends", () => {
    expect(reportedLine(on({ direction: "inbound", customer: { number: person }, line: "1" }))).toBe("1");
    expect(reportedLine(rang(person, "2", { line: "1" }))).toBe("1");
  });

  test.each([
    ["one of two open ends", rang(person, "2", { line: "2" }).facts],
    [
      "the target of a transfer",
      { direction: "inbound" as const, line: "1", transfer: { kind: "cold" as const } },
    ],
    ["that of a call between colleagues", { direction: "internal" as const, line: "1" }],
    ["that of a call without a direction", { line: "1" }],
  ])("not %s", (_what, facts) => {
    expect(reportedLine(on(facts))).toBeUndefined();
  });

  test("only open ends are kept", () => {
    expect(undecidedEnds(rang("1", "2"))).toEqual(["2", "1"]);
    expect(undecidedEnds(on({ customer: { number: "1" } }))).toEqual([]);
  });
});

describe("completed although nobody is known to have answered", () => {
  const ended = on({ direction: "inbound", outcome: "completed", unlessAnswered: "abandoned" }, 5);

  const ringing: CallEvent = { ...on({ direction: "inbound" }, 1), phase: "ringing" };

  test("is what the message says then", () => {
    expect(foldCall([ringing, ended], own).outcome).toBe("abandoned");
    expect(foldCall([ended, ringing], own).outcome).toBe("abandoned");
  });

  test("stays completed when the end came alone: the answer may be among what did not come", () => {
    expect(foldCall([ended], own).outcome).toBe("completed");
  });

  test.each([
    ["an answer", { answeredAt: "2026-02-02T10:00:02.000Z" }],
    ["a talk time", { talkSeconds: 9 }],
    ["an agent who talked", { agents: [{ ids: ["201"], talked: true }] }],
    ["a transfer", { transfer: { kind: "cold" as const } }],
    ["another message that calls it completed", { outcome: "completed" as const }],
  ])("is completed with %s, in every order", (_what, facts) => {
    const events = [on(facts, 2), ended, on({ direction: "inbound" }, 1)];
    const call = foldCall(events, own);
    expect(call.outcome).toBe("completed");
    expect(canonical(foldCall([...events].reverse(), own))).toBe(canonical(call));
    expect(canonical(foldCall([...events, ...events], own))).toBe(canonical(call));
  });

  test("is how the leg ended that was to reach a colleague, unless another one did", () => {
    const answered = on({ outcome: "completed", talkSeconds: 40, answeredAt: "2026-02-02T10:00:01.000Z" }, 5);
    const inVain = on({ notTaken: "no-answer" }, 3);
    const call = foldCall([answered, inVain], own);
    expect(call.outcome).toBe("no-answer");
    expect(call).not.toHaveProperty("talkSeconds");
    const taken = on({ agents: [{ ids: ["201"], talked: true }] }, 4);
    expect(foldCall([answered, inVain, taken], own)).toMatchObject({ outcome: "completed", talkSeconds: 40 });
  });

  test("is a voicemail when another message says so", () => {
    expect(foldCall([ended, on({ outcome: "voicemail" }, 2)], own).outcome).toBe("voicemail");
  });
});
