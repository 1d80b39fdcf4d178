import { describe, expect, test } from "vitest";
import type { Agent, Call } from "../../src/core/call.ts";
import type { InstallationSettings } from "../../src/core/settings.ts";
import { chooseOwner } from "../../src/flow/calls/owner.ts";

const settings = {
  region: "NL",
  defaultOwner: "99",
  agents: [
    { email: "ravi@example.com", voys: ["201", "211"], retell: "agent_ravi" },
    { email: "ben@example.com", voys: ["202"] },
    { email: "left@example.com", voys: ["203"] },
  ],
} as unknown as InstallationSettings;
const owners = [
  { id: "11", email: "ravi@example.com" },
  { id: "12", email: "ben@example.com" },
  { id: "13", email: "left@example.com", left: true as const },
  { id: "14", email: "sam@example.com" },
  { id: "20", name: "Noor" },
  { id: "99" },
];
const ben: Agent = { ids: ["202"] };
const ravi: Agent = { ids: ["201"] };
const bot: Agent = { ids: ["agent_ravi"], kind: "ai" };
const theirs = { id: "1", kind: "contact" as const, phones: [], fields: {}, ownerId: "20" };

function chosen(
  call: Partial<Call> & Pick<Call, "agents">,
  { contact = false, given = settings }: { contact?: boolean; given?: InstallationSettings } = {},
) {
  const { owner, why } = chooseOwner(
    given,
    owners,
    { provider: "voys", ...call },
    contact ? theirs : undefined,
  );
  return [owner?.id, why];
}

describe("an outgoing call that was not answered", () => {
  const direction = "outbound";

  test.each([false, true])("belongs to who made it (with a contact: %s)", (contact) => {
    expect(chosen({ direction, agents: [ben] }, { contact })).toEqual([
      "12",
      "made the call (ben@example.com)",
    ]);
  });

  test("belongs to a CRM user whom the provider names by e-mail, and to one with two devices", () => {
    const sam: Agent = { ids: ["900"], email: "Sam@example.com" };
    expect(chosen({ direction, agents: [sam] })[0]).toBe("14");
    expect(chosen({ direction, agents: [ravi, { ids: ["211"] }] })[0]).toBe("11");
  });

  test("of two people, of a stranger, or of one who has left goes to the contact's owner or the default", () => {
    const stranger: Agent = { ids: ["999"] };
    for (const agents of [[ben, ravi], [ben, stranger], [stranger], [{ ids: ["203"] }]]) {
      expect(chosen({ direction, agents })[0]).toBe("99");
      expect(chosen({ direction, agents }, { contact: true })[0]).toBe("20");
    }
    expect(chosen({ direction, agents: [{ ids: ["203"] }] })[1]).toBe(
      "the installation's default owner; left@example.com made the call, but has left the CRM",
    );
  });

  test("of an AI agent belongs to the AI agent's owner only when nobody owns the contact", () => {
    const call = { provider: "retell", agents: [bot], direction: "outbound" as const };
    expect(chosen(call, { contact: true })).toEqual(["20", "owns the contact"]);
    expect(chosen(call)).toEqual(["11", "has the AI agent of the call (ravi@example.com)"]);
  });

  test("does not belong to a known agent when a stranger talked", () => {
    const stranger: Agent = { ids: ["999"], talkedAt: "2026-11-20T10:00:00Z" };
    expect(chosen({ direction, agents: [ben, stranger] })[0]).toBe("99");
  });
});

describe("a missed call", () => {
  const direction = "inbound";

  test("that rang at one person belongs to the contact's owner, else to that person", () => {
    expect(chosen({ direction, agents: [ben] }, { contact: true })).toEqual(["20", "owns the contact"]);
    expect(chosen({ direction, agents: [ben] })).toEqual(["12", "their phone rang (ben@example.com)"]);
    expect(chosen({ direction, agents: [bot, ben] })[0]).toBe("12");
  });

  test("that rang at several people or at one who has left goes to the default owner", () => {
    expect(chosen({ direction, agents: [ben, ravi] })[0]).toBe("99");
    expect(chosen({ direction, agents: [{ ids: ["203"] }] })).toEqual([
      "99",
      "the installation's default owner; left@example.com was called, but has left the CRM",
    ]);
  });

  test("has no owner when there is none at all, and it says so", () => {
    const { defaultOwner: _, ...given } = settings;
    expect(chosen({ direction, agents: [ben, ravi] }, { given })).toEqual([
      undefined,
      "no agent of the directory talked, the contact has no owner, and there is no default",
    ]);
  });
});
