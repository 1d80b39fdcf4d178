import { afterEach, describe, expect, test } from "vitest";
import { explainCall } from "../../src/flow/explain/explain.ts";
import { settledActivities, synced } from "../support/calls.ts";
import { type ServerOptions, startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
afterEach(() => server.stop());

const customer = { number: "+919876543210", name: null, account_number: null, user_numbers: [] };
const dialled = "+31201234567";

type Told = {
  status: string;
  direction?: string;
  caller?: string;
  target?: number;
  email?: string;
  reason?: string;
  second?: number;
};

/** An inbound Voys call, one notification after another, ten seconds apart unless `second` says otherwise. */
async function ownerAfter(told: readonly Told[], options: ServerOptions = {}) {
  server = await startServer(options);
  await synced(server);
  for (const [i, { status, target, email, reason, second = i * 10 }] of told.entries()) {
    const people = target && { account_number: target, user_numbers: [], user_emails: email ? [email] : [] };
    const body = {
      call_id: "call",
      version: "v2",
      timestamp: new Date(Date.now() - 300_000 + second * 1_000).toISOString(),
      status,
      ...(reason && { reason }),
      direction: "inbound",
      caller: customer,
      destination: { number: dialled, ...(people && { target: { number: dialled, ...people } }) },
      ...(status === "warm-transfer" && { merged_id: "consult" }),
    };
    const response = await fetch(`${server.url}/webhooks/acme/voys?key=voys-secret`, {
      method: "POST",
      body: JSON.stringify(body),
    });
    expect(response.status).toBe(200);
  }
  const [activity] = await settledActivities(server);
  const explanation = await explainCall(server.parts.flow.store, "acme:voys:call");
  return { ownerId: activity?.["ownerId"], why: explanation?.owner?.why, agent: explanation?.agent };
}

const ended: Told = { status: "ended", reason: "completed" };
const missed: Told = { status: "ended", reason: "no-answer" };
const ravi: Told = { status: "in-progress", target: 201 };
const toNoor: Told = { status: "warm-transfer", target: 202 };
const stranger: Told = { status: "in-progress", target: 999 };
const unowned = [{ id: "1", name: "Asha Rao", phones: ["+919876543210"] }];

describe("the agent who talked", () => {
  test("is known by the e-mail address that the provider tells, without an entry in the directory", async () => {
    const told = [
      { status: "ringing" },
      { status: "in-progress", target: 999, email: "Noor@Example.com" },
      { status: "ended", reason: "completed" },
    ];
    expect(await ownerAfter(told)).toMatchObject({
      ownerId: "12",
      why: expect.stringMatching(/talked last/),
    });
  });

  test("owns the activity, before the contact's owner", async () => {
    const contacts = [{ ...unowned[0], ownerId: "12" }];
    expect(await ownerAfter([ravi, ended], { contacts })).toEqual({
      ownerId: "11",
      why: "talked last with the customer (ravi@example.com)",
      agent: "ravi@example.com",
    });
  });

  test("last owns it, when a transfer gave the call to another", async () => {
    expect(await ownerAfter([ravi, toNoor, ended])).toEqual({
      ownerId: "12",
      why: "talked last with the customer (noor@example.com)",
      agent: "noor@example.com",
    });
  });

  test("last by the events' own times, though the transfer was heard of first", async () => {
    const told = [
      { ...toNoor, second: 10 },
      { ...ravi, second: 0 },
      { ...ended, second: 20 },
    ];
    expect(await ownerAfter(told)).toMatchObject({ ownerId: "12", agent: "noor@example.com" });
  });

  test("is found by e-mail, whatever its capitals, in the call, the directory and the CRM", async () => {
    const owners = [{ id: "77", name: "Sam", email: "SAM@example.com" }];
    const agents = [{ email: "Sam@Example.com" }];
    const call = [{ ...stranger, email: "sam@EXAMPLE.com" }, ended];
    expect(await ownerAfter(call, { owners, settings: { agents } })).toMatchObject({
      ownerId: "77",
      why: "talked last with the customer (Sam@Example.com)",
    });
  });

  test("counts only when talking: one whose phone just rang does not", async () => {
    const rang = { status: "ringing", target: 202 };
    expect(await ownerAfter([rang, missed])).toEqual({
      ownerId: "11",
      why: "owns the contact",
      agent: undefined,
    });
  });
});

describe("when no agent of the directory is a CRM user", () => {
  test("the contact's owner owns it", async () => {
    expect(await ownerAfter([stranger, ended])).toMatchObject({ ownerId: "11", why: "owns the contact" });
  });

  test("the reason names the agent who is no CRM user", async () => {
    const owners = [{ id: "12", email: "noor@example.com" }];
    expect(await ownerAfter([ravi, ended], { owners })).toMatchObject({
      ownerId: "11",
      why: "owns the contact; ravi@example.com talked, but is no CRM user",
      agent: "ravi@example.com",
    });
  });

  test.each(["12", "Noor@Example.COM"])(
    "the default owner %s owns it, if the contact has none",
    async (name) => {
      const options = { contacts: unowned, settings: { defaultOwner: name } };
      expect(await ownerAfter([stranger, ended], options)).toMatchObject({
        ownerId: "12",
        why: "the installation's default owner",
      });
    },
  );

  test.each([
    ["the contact's owner", [{ id: "11", name: "Ravi", left: true }, { id: "12" }], "12"],
    [
      "the agent who talked",
      [{ id: "10", email: "ravi@example.com", left: true }, { id: "11", left: true }, { id: "12" }],
      "12",
    ],
  ])("%s who has left is passed over for the default owner", async (_name, owners, ownerId) => {
    const options = { owners, settings: { defaultOwner: "12" } };
    expect(await ownerAfter([ravi, ended], options)).toMatchObject({
      ownerId,
      why: expect.stringMatching(
        /^the installation's default owner; .* owns the contact, but cannot own activities/,
      ),
    });
  });

  test("a default owner who has left is none, and it says so", async () => {
    const owners = [{ id: "12", name: "Noor", left: true }];
    const options = { owners, contacts: unowned, settings: { defaultOwner: "12" } };
    expect(await ownerAfter([missed], options)).toMatchObject({
      ownerId: undefined,
      why: expect.stringMatching(/the default owner Noor cannot own activities/),
    });
  });

  test("nobody owns it, and it says why", async () => {
    expect(await ownerAfter([missed], { contacts: unowned })).toMatchObject({
      ownerId: undefined,
      why: "no agent of the directory talked, the contact has no owner, and there is no default",
    });
  });
});
