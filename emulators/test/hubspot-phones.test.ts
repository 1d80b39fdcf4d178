import { expect, test } from "vitest";
import { derivePhone } from "../hubspot/index.ts";
import { ask, startPortal } from "./hubspot-requests.ts";

test.each<[string, string, string, string | undefined]>([
  ["+5511999999999", "US", "11999999999", "+5511999999999"],
  ["+33655555555", "US", "655555555", "+33655555555"],
  ["513-227-1572", "US", "5132271572", "+15132271572"],
  ["08180854296", "NG", "8180854296", "+2348180854296"],
  ["(877) 829-06966777", "US", "87782906966777", undefined],
  ["00004", "US", "4", undefined],
  ["34648739267", "US", "34648739267", undefined],
  ["34648739267", "ES", "34648739267", undefined],
  ["+31 (0)6 12345678", "US", "612345678", "+31612345678"],
])("%s in a portal of %s is searchable as %s", (stored, region, searchable, calculated) => {
  expect(derivePhone(stored, region)).toMatchObject({ searchable, ...(calculated ? { calculated } : {}) });
  expect(derivePhone(stored, region)?.calculated).toBe(calculated);
});

test.each(["", "unknown", "000", "ext."])("%j gives nothing to search by", (stored) => {
  expect(derivePhone(stored, "US")).toBeUndefined();
});

test("a contact carries the derived numbers of its phone and its mobile, and loses them with the number", async () => {
  const portal = await startPortal({ region: "NL" });
  const id = portal.people.addContact({
    phone: "020 624 1111",
    mobilephone: "+31612345678",
    fax: "0206241112",
  });
  expect(portal.people.contacts()[0]?.properties).toMatchObject({
    hs_calculated_phone_number: "+31206241111",
    hs_searchable_calculated_phone_number: "206241111",
    hs_searchable_calculated_international_phone_number: "31206241111",
    hs_calculated_mobile_number: "+31612345678",
    hs_searchable_calculated_mobile_number: "612345678",
  });
  const changed = await ask(portal, "PATCH", `objects/contacts/${id}`, { properties: { phone: "" } });
  expect(changed.body.properties["phone"]).toBeNull();
  expect(portal.people.contacts()[0]?.properties).not.toHaveProperty("hs_calculated_phone_number");
});

test("nobody sets the derived numbers", async () => {
  const portal = await startPortal();
  const properties = { hs_searchable_calculated_phone_number: "1" };
  const answer = await ask(portal, "POST", "objects/contacts", { properties });
  expect([answer.status, answer.body.errors[0]?.code]).toEqual([400, "READ_ONLY_VALUE"]);
});
