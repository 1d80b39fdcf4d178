import { expect, test } from "vitest";
import { fullId, idOf, sequenceOf } from "../salesforce/ids.ts";
import { codeOf, startOrg } from "./salesforce-requests.ts";

let now = Date.parse("2026-05-01T12:00:00Z");
const changes = (what: string, start: string, end: string) =>
  `/sobjects/Contact/${what}/?${new URLSearchParams({ start, end })}`;

test("tells what was deleted and updated between two times", async () => {
  const { salesforce, ask } = await startOrg({ now: () => now, contacts: 1 });
  const { people } = salesforce;
  const kept = people.addContact({ LastName: "Kept" });
  const gone = people.addContact({ LastName: "Gone" });
  now += 120_000;
  people.remove("Contact", gone);
  now += 120_000;
  const [start, middle, end] = ["2026-05-01T12:00:00Z", "2026-05-01T12:01:00Z", "2026-05-01T12:05:00+00:00"];
  expect((await ask("GET", changes("deleted", start ?? "", end ?? ""))).body).toEqual({
    deletedRecords: [{ id: gone, deletedDate: "2026-05-01T12:02:00.000+0000" }],
    earliestDateAvailable: "2026-04-01T12:04:00.000+0000",
    latestDateCovered: "2026-05-01T12:04:00.000+0000",
  });
  expect((await ask("GET", changes("deleted", start ?? "", middle ?? ""))).body).toMatchObject({
    deletedRecords: [],
    latestDateCovered: "2026-05-01T12:01:00.000+0000",
  });
  expect((await ask("GET", changes("updated", start ?? "", end ?? ""))).body).toMatchObject({ ids: [kept] });
});

test.each([
  ["less than a minute", "2026-05-01T12:00:01Z", "2026-05-01T12:00:59Z"],
  ["the wrong way round", "2026-05-01T12:05:00Z", "2026-05-01T12:00:00Z"],
  ["more than 30 days ago", "2026-03-01T12:00:00Z", "2026-05-01T12:00:00Z"],
  ["no time at all", "yesterday", "2026-05-01T12:00:00Z"],
])("refuses %s", async (_what, start, end) => {
  const { ask } = await startOrg({ now: () => now });
  expect(codeOf(await ask("GET", changes("deleted", start, end)))).toBe("400 INVALID_REPLICATION_DATE");
});

test("ids have the suffix that Salesforce gives them", () => {
  expect(fullId("001xx000003DGb2")).toBe("001xx000003DGb2AAG");
  expect(fullId("003xx000004TmiQAAS")).toBe("003xx000004TmiQAAS");
  expect(fullId("003xx000004TmiQAAA")).toBeUndefined();
  expect(fullId("003xx000004Tmi")).toBeUndefined();
  const ids = [0, 9, 61, 62, 4000].map((sequence) => idOf("003", sequence));
  expect(ids).toEqual(ids.toSorted());
  expect(ids.map(sequenceOf)).toEqual([0, 9, 61, 62, 4000]);
});
