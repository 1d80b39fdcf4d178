import { expect, test } from "vitest";
import { CrmError } from "../../src/core/errors.ts";
import { failedCall, goneCall, openBatch, ownerInstead } from "../../src/lib/saving.ts";

const record = (key: string, more = {}) => ({ key, fields: {}, modes: {}, ours: {}, ...more });

test("a settled call leaves its batch, and results come in the order of the records", () => {
  const batch = openBatch([record("1"), record("2"), record("3"), record("1", { ownerId: "7" })]);
  expect(batch.records.map(({ key }) => key)).toEqual(["1", "2", "3"]);
  expect(batch.records[0]?.ownerId).toBe("7");
  const error = new CrmError("later", "locked");
  const [first] = batch.records;
  const steps = [failedCall({ key: "3" }, error), goneCall({ key: "2" }), { record: record("1") }];
  expect(batch.open(steps)).toEqual([{ record: record("1") }]);
  const call = { wrote: { a: 1 }, leftAlone: ["b"], without: [], activityId: "x", created: true };
  expect(
    batch.results(first ? [{ ...call, record: first, contact: { id: "5", kind: "lead" } }] : []),
  ).toEqual([
    { key: "1", saved: "x", created: true, wrote: { a: 1 }, kept: ["b"], contact: { id: "5", kind: "lead" } },
    { key: "2", gone: true },
    { key: "3", failed: error },
  ]);
});

test("a refused owner gives way to the default owner, and that one to none", () => {
  const words = { otherwise: "it has no owner", why: "inactive" };
  expect(ownerInstead("7", "8", words)).toEqual({
    owner: "8",
    without: "the owner 7, so the default owner has it: inactive",
  });
  const without = (owner: string) => `the owner ${owner}, so it has no owner: inactive`;
  expect(ownerInstead("8", "8", words)).toEqual({ owner: undefined, without: without("8") });
  expect(ownerInstead("7", undefined, words)).toEqual({ owner: undefined, without: without("7") });
});
