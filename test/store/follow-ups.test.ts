import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import type { Call } from "../../src/core/call.ts";
import type { DeliveredCall, FollowUpAnswer, Store } from "../../src/store/contract.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { callOf, decodedCall, t0 } from "../contracts/store-samples.ts";

const number = "+31687654321";
const contact = { id: "7", kind: "contact" } as const;
const made: FollowUpAnswer = { made: { id: "t1", wrote: { subject: "Call back Vera" } } };

let store: Store;
beforeEach(() => {
  store = openSqliteStore(mkdtempSync(join(tmpdir(), "switchhook-follow-")));
  onTestFinished(() => store.close());
});

/** The id of a call that was decoded. */
async function decoded(id: string, facts: Partial<Call> = {}): Promise<number> {
  await store.saveDecoded("acme", [], [decodedCall(id, { call: callOf(id, facts), number })]);
  return (await store.call(`acme:voys:${id}`))?.row.id ?? 0;
}

async function sent(id: string, since = t0): Promise<number> {
  const call = (await store.call(`acme:voys:${id}`))?.row.id ?? (await decoded(id));
  await store.saveSending(
    "acme",
    [{ id: call, ours: {}, followUp: { since, number, fields: { subject: "Call back" } } }],
    t0,
  );
  return call;
}

async function answered(call: number, id: string, followUp: FollowUpAnswer): Promise<void> {
  const row: DeliveredCall = {
    ...{ id: call, key: `acme:voys:${id}`, installation: "acme", revision: 1, state: "logged" },
    ...{ attempts: 0, activityId: `a-${id}`, contact, followUp },
    step: { at: t0, step: "created", detail: {} },
  };
  await store.saveDelivered([row]);
}

const reached = (call: number, at: number) => ({ call, key: `acme:voys:${call}`, at });

test("a follow-up is wanted before it is sent, and open with what was written", async () => {
  const call = await sent("a");
  expect(await store.followUp(call)).toMatchObject({ state: "wanted", fields: { subject: "Call back" } });
  await answered(call, "a", made);
  expect(await store.followUp(call)).toMatchObject({
    ...{ state: "open", taskId: "t1", number, contact, key: "acme:voys:a" },
    fields: { subject: "Call back Vera" },
  });
  const byContact = await store.openFollowUps("acme", [{ contact }]);
  const byNumber = await store.openFollowUps("acme", [{ number }]);
  expect([byContact, byNumber].map((rows) => rows.map((row) => row.call))).toEqual([[call], [call]]);
  expect(await store.openFollowUps("other", [{ number }])).toEqual([]);
});

test("one that was refused is sent again; one that was made is not made again", async () => {
  const call = await sent("a");
  await answered(call, "a", { refused: "needs a reminder" });
  expect(await store.followUp(call)).toMatchObject({ state: "refused", reason: "needs a reminder" });
  await sent("a");
  expect(await store.followUp(call)).toMatchObject({ state: "wanted" });
  await answered(call, "a", made);
  await sent("a");
  expect(await store.followUp(call)).toMatchObject({ state: "open", taskId: "t1" });
});

test("a customer who was reached closes earlier follow-ups, also those whose answer is not there yet", async () => {
  const before = await sent("before", t0);
  const after = await sent("after", t0 + 20_000);
  const back = await decoded("back");
  await store.markReached("acme", [{ ...reached(back, t0 + 10_000), number }], t0 + 30_000);
  expect(await store.dueFollowUps("acme", t0 + 60_000, 10)).toEqual([]);
  await answered(before, "before", made);
  await answered(after, "after", { made: { id: "t2", wrote: {} } });
  const due = await store.dueFollowUps("acme", t0 + 60_000, 10);
  expect(due.map((row) => [row.call, row.reachedBy])).toEqual([[before, `acme:voys:${back}`]]);
});

test("what became of it stands in the call's history, once it is no longer due", async () => {
  const call = await sent("a");
  await answered(call, "a", made);
  await store.markReached("acme", [reached(call, t0)], t0);
  const step = { at: t0 + 1, step: "follow-up closed", detail: { task: "t1" } };
  await store.changeFollowUps([{ call, state: "closed", attempts: 0, step }]);
  expect(await store.dueFollowUps("acme", t0 + 60_000, 10)).toEqual([]);
  expect((await store.history(call)).at(-1)).toEqual(step);
});

test("an erasure takes it away for good, and a purge when its time is over", async () => {
  const [erased, old] = [await sent("a"), await sent("b", t0 - 9)];
  await store.erase("acme", [contact], { now: t0 + 1, spared: [] });
  expect(await store.followUp(erased)).toBeDefined();
  await answered(erased, "a", made);
  await store.erase("acme", [contact], { now: t0 + 2, spared: [number] });
  expect(await store.followUp(erased)).toBeUndefined();
  await store.saveSending(
    "acme",
    [{ id: erased, ours: {}, followUp: { since: t0, number, fields: {} } }],
    t0 + 3,
  );
  await store.changeFollowUps([{ call: erased, state: "open", attempts: 0, closeAt: t0 }]);
  expect(await store.followUp(erased)).toBeUndefined();
  await store.purge(t0 + 3, t0);
  expect(await store.followUp(old)).toBeUndefined();
});
