import { expect, test } from "vitest";
import { proceduralNumber } from "../salesforce/index.ts";
import { type Org, type Row, startOrg } from "./salesforce-requests.ts";

const million = 1_000_000;
const order = "ORDER BY SystemModstamp, Id LIMIT 2000";

/** The literal of a stamp that a query gave. */
const stampOf = (row: Row | undefined) => String(row?.["SystemModstamp"]).replace("+0000", "Z");

async function pageAfter({ rows }: Org, last: Row | undefined): Promise<Row[]> {
  const stamp = stampOf(last);
  const after = last
    ? `WHERE SystemModstamp > ${stamp} OR (SystemModstamp = ${stamp} AND Id > '${last["Id"]}')`
    : "";
  return rows(`SELECT Id, Name, MobilePhone, SystemModstamp FROM Contact ${after} ${order}`);
}

test("pages through a million contacts by their last change", async () => {
  const org = await startOrg({ contacts: million });
  const first = await pageAfter(org, undefined);
  const second = await pageAfter(org, first.at(-1));
  expect([first.length, second.length]).toEqual([2000, 2000]);
  const ids = [...first, ...second].map((row) => String(row["Id"]));
  expect(new Set(ids).size).toBe(4000);
  expect(ids).toEqual(ids.toSorted());
  const { body } = await org.query("SELECT COUNT() FROM Contact");
  expect(body).toMatchObject({ totalSize: million });
});

test("finds a contact by its very time, and those before and after it", async () => {
  const { rows } = await startOrg({ contacts: 5 });
  const all = await rows("SELECT Id, SystemModstamp FROM Contact ORDER BY Id");
  const middle = stampOf(all[2]);
  const found = async (operator: string) =>
    (await rows(`SELECT Id FROM Contact WHERE SystemModstamp ${operator} ${middle} ORDER BY Id`)).map(
      ({ Id }) => all.findIndex((row) => row["Id"] === Id),
    );
  expect(await found("=")).toEqual([2]);
  expect(await found("<")).toEqual([0, 1]);
  expect(await found("<=")).toEqual([0, 1, 2]);
  expect(await found(">")).toEqual([3, 4]);
  expect(await found(">=")).toEqual([2, 3, 4]);
  expect(await found("!=")).toEqual([0, 1, 3, 4]);
});

test("reads the newest first", async () => {
  const { rows } = await startOrg({ contacts: million });
  const newest = await rows("SELECT Id, SystemModstamp FROM Contact ORDER BY SystemModstamp DESC LIMIT 3");
  const stamps = newest.map(stampOf);
  expect(stamps).toEqual(stamps.toSorted().reverse());
  const behind = await rows(`SELECT Id FROM Contact WHERE SystemModstamp > ${stamps[0]}`);
  expect(behind).toEqual([]);
});

test("finds one of a million by its number, its id and its phone field", async () => {
  const org = await startOrg({ contacts: million });
  const number = proceduralNumber(999_999);
  const sosl = `FIND {0${number.slice(-9)}} IN PHONE FIELDS RETURNING Contact(Id, MobilePhone)`;
  const { body } = await org.search(sosl);
  const [found, ...others] = (body as { searchRecords: Row[] }).searchRecords;
  expect(others).toEqual([]);
  expect(String(found?.["MobilePhone"]).replace(/\D/g, "")).toMatch(/612999999$/);
  const soql = "SELECT Id FROM Contact WHERE";
  expect(await org.rows(`${soql} Id = '${found?.["Id"]}'`)).toMatchObject([{ Id: found?.["Id"] }]);
  const writing = `MobilePhone IN ('${found?.["MobilePhone"]}', 'x')`;
  expect(await org.rows(`${soql} ${writing}`)).toMatchObject([{ Id: found?.["Id"] }]);
});

test("an edited one has its new values everywhere, and comes last", async () => {
  const org = await startOrg({ contacts: 10 });
  const [first, second] = await pageAfter(org, undefined);
  org.salesforce.people.edit("Contact", String(first?.["Id"]), { MobilePhone: "06-87654321" });
  org.salesforce.people.remove("Contact", String(second?.["Id"]));
  const now = await pageAfter(org, undefined);
  expect(now).toHaveLength(9);
  expect(now.at(-1)).toMatchObject({ Id: first?.["Id"], MobilePhone: "06-87654321" });
  const find = async (digits: string) =>
    (
      (await org.search(`FIND {${digits}} IN PHONE FIELDS RETURNING Contact(Id)`)).body as {
        searchRecords: Row[];
      }
    ).searchRecords;
  expect(await find("0687654321")).toMatchObject([{ Id: first?.["Id"] }]);
  expect(await find(proceduralNumber(0).slice(1))).toEqual([]);
  expect(await find(`0${proceduralNumber(1).slice(-9)}`)).toEqual([]);
});

test("takes calls for them", async () => {
  const { rows, upsert } = await startOrg({ contacts: million });
  const [contact] = await rows("SELECT Id FROM Contact ORDER BY Id DESC LIMIT 1");
  const [saved] = await upsert([{ Call_Key__c: "a", WhoId: contact?.["Id"] }]);
  expect(saved?.success).toBe(true);
});
