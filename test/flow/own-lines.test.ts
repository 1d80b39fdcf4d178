import { afterEach, beforeEach, expect, test } from "vitest";
import type { SimulatedRequest } from "../../src/core/provider.ts";
import { type Activity, type AskingWorld, openWorld } from "../support/asking-world.ts";
import { jsonRequest } from "../support/calls.ts";

const at = Date.parse("2026-02-02T06:00:00.000Z");
const exoPhone = "08040000022";
let world: AskingWorld;

function open(settings: object = {}): void {
  world = openWorld({
    provider: "exotel",
    own: { secret: "exotel-secret" },
    now: () => at,
    settings: {
      region: "IN",
      reconcile: false,
      agents: [{ email: "ravi@example.com", exotel: ["ravi"], phones: ["+91 90000 00024"] }],
      ...settings,
    },
  });
}
beforeEach(() => open());
afterEach(() => world.end());

function callback(fields: object): SimulatedRequest {
  const times = {
    StartTime: "2026-02-02 10:00:00",
    EndTime: "2026-02-02 10:00:40",
    DateUpdated: "2026-02-02 10:00:42",
  };
  return jsonRequest({ EventType: "terminal", Status: "completed", ...times, ...fields });
}

/** To a flow: nothing in it says that To is a line of the company. */
const campaign = callback({
  ...{ CallSid: "campaign", Direction: "outbound-api", From: "09876543210", To: exoPhone },
  ConversationDuration: 30,
});
/** The ExoPhone of an incoming call is told as such. */
const incoming = callback({
  ...{
    CallSid: "incoming",
    Direction: "inbound",
    From: "09820000011",
    To: "sip:ravi",
    PhoneNumberSid: exoPhone,
  },
  ConversationDuration: 20,
});

async function activityOf(callId: string): Promise<Activity | undefined> {
  await world.workOff();
  return world.activities().find(({ providerCallId }) => providerCallId === callId);
}

const right = {
  contactId: "1",
  direction: "outbound",
  outcome: "completed",
  line: "+918040000022",
  durationSeconds: 30,
};

test("a line that is known already is never the customer", async () => {
  await world.sync();
  await world.takeAll([incoming, campaign]);
  expect(await activityOf("campaign")).toMatchObject(right);
});

test("the activity has the line as a number that can be dialled", async () => {
  await world.sync();
  await world.take(incoming);
  expect(await activityOf("incoming")).toMatchObject({ line: "+918040000022", to: "+918040000022" });
});

test("a line that becomes known later puts the call right, in the same activity", async () => {
  await world.sync();
  await world.take(campaign);
  expect(await activityOf("campaign")).not.toHaveProperty("contactId");
  await world.take(incoming);
  expect(await activityOf("campaign")).toMatchObject(right);
  expect(world.activities()).toHaveLength(2);
});

test("any order of arrival gives the same activity", async () => {
  const told: unknown[] = [];
  for (const order of [
    [campaign, incoming],
    [incoming, campaign],
    [campaign, incoming, incoming, campaign],
  ]) {
    await world.end();
    open();
    await world.sync();
    for (const request of order) {
      await world.take(request);
      await world.workOff();
    }
    const { id: _, updatedAt: __, ...activity } = (await activityOf("campaign")) ?? {};
    told.push(activity);
  }
  expect(told[1]).toEqual(told[0]);
  expect(told[2]).toEqual(told[0]);
});

test("a call that was given to a contact made for the line goes to the customer", async () => {
  await world.end();
  open({ unknownCallers: "always" });
  await world.sync();
  await world.take(campaign);
  expect(await activityOf("campaign")).not.toMatchObject({ contactId: "1" });
  await world.take(incoming);
  expect(await activityOf("campaign")).toMatchObject({ contactId: "1" });
});

test("lines are known after a restart", async () => {
  await world.sync();
  await world.take(incoming);
  await world.workOff();
  await world.stop();
  await world.take(campaign);
  expect(await activityOf("campaign")).toMatchObject({ contactId: "1" });
});

test("companyNumbers and the phones of agents need not be learned", async () => {
  await world.end();
  open({ companyNumbers: ["+918040000022"] });
  await world.sync();
  const ConversationDuration = 25;
  const numbers = { Direction: "outbound-api", From: "09876543210", To: "09000000024", ConversationDuration };
  await world.takeAll([campaign, callback({ CallSid: "agent-second", ...numbers })]);
  expect(await activityOf("campaign")).toMatchObject(right);
  expect(await activityOf("agent-second")).toMatchObject({ contactId: "1", ownerId: "11" });
});

/** An odd message that calls a customer's number a line of the company. */
const odd = callback({
  ...{ CallSid: "odd", Direction: "inbound", From: "09820000011", To: "sip:ravi" },
  ...{ PhoneNumberSid: "09876543210", ConversationDuration: 20 },
});

test("a customer whose number was once told as a line stays the customer beside a line of the settings", async () => {
  await world.end();
  open({ companyNumbers: ["+918040000022"] });
  await world.sync();
  await world.take(odd);
  await world.take(campaign);
  expect(await activityOf("campaign")).toMatchObject(right);
});

test("between two numbers that messages told as lines nobody is named as the customer", async () => {
  await world.sync();
  await world.takeAll([odd, incoming, campaign]);
  const activity = await activityOf("campaign");
  expect(activity).toBeDefined();
  expect(activity).not.toHaveProperty("contactId");
  expect(activity?.["to"]).not.toBe("+919876543210");
});

test("a line puts right all of its earlier calls, however many, also after a restart", async () => {
  await world.sync();
  const calls = Array.from({ length: 450 }, (_, i) =>
    callback({
      ...{ CallSid: `campaign-${i}`, Direction: "outbound-api", From: "09876543210", To: exoPhone },
      ConversationDuration: 30,
    }),
  );
  for (const call of calls) await world.take(call);
  await world.workOff();
  await world.take(incoming);
  await world.stop();
  await world.workOff();
  const wrong = world.activities().filter(({ providerCallId, contactId }) => {
    return String(providerCallId).startsWith("campaign") && contactId !== "1";
  });
  expect(wrong).toEqual([]);
});
