import { describe, expect, test } from "vitest";
import { callRecord, type Portal, readyPortal, saved, storedCall, withoutSchemas } from "./hubspot-portal.ts";

const schemaScope = "crm.schemas.contacts.write";
const unknownCaller = {
  createContact: { number: "+31612345678", fields: {} },
  task: { fields: { hs_task_subject: "Call back" } },
};
const refused = ({ crm }: Portal) => crm.requests.filter(({ status }) => status === 403);
const writtenProperties = ({ crm }: Portal) => crm.requests.filter(({ kind }) => kind === "property write");

/** An account that grants these and says so, and that grants others when a person has consented anew. */
async function accountGranting(scopes: string[]) {
  let granted = scopes;
  const portal = await readyPortal({ scopes, granted: () => granted, indexLagMs: 20_000 });
  return {
    portal,
    grant: (...more: string[]) => {
      granted = [...scopes, ...more];
      portal.crm.scopes = granted;
    },
  };
}

describe("an account that does not grant our properties", () => {
  test("is not asked to make any; calls, contacts and tasks are made all the same, and each is said once", async () => {
    const { portal } = await accountGranting(withoutSchemas);
    for (const id of ["1", "2", "3"])
      saved(await portal.connector.saveCalls([callRecord(id, unknownCaller)]));
    expect([refused(portal), writtenProperties(portal)]).toEqual([[], []]);
    const { people } = portal.crm;
    expect([people.calls(), people.contacts(), people.tasks()].map(({ length }) => length)).toEqual([
      3, 1, 3,
    ]);
    const reason = `\\(the account does not grant ${schemaScope}; connect it again`;
    expect(portal.warnings).toEqual(
      [
        "switchhook_call_key on calls",
        "switchhook_caller_number on contacts",
        "switchhook_call_key on tasks",
      ].map((property) => expect.stringMatching(new RegExp(`${property} ${reason}`))),
    );
  });

  test("has them made as soon as it grants them, by the same connector", async () => {
    const { portal, grant } = await accountGranting(withoutSchemas);
    await portal.connector.saveCalls([callRecord("1")]);
    grant(schemaScope);
    saved(await portal.connector.saveCalls([callRecord("2")]));
    expect(portal.crm.people.calls().map(({ properties }) => properties["switchhook_call_key"])).toEqual([
      undefined,
      "acme:voys:2",
    ]);
    expect(refused(portal)).toEqual([]);
  });

  test("uses one that is there, whoever made it", async () => {
    const { portal, grant } = await accountGranting(withoutSchemas);
    grant(schemaScope);
    await portal.connector.saveCalls([callRecord("1")]);
    grant();
    const other = portal.reconnect();
    saved(await other.saveCalls([callRecord("2")]));
    expect(portal.crm.people.calls()[1]?.properties).toHaveProperty("switchhook_call_key", "acme:voys:2");
    expect(portal.warnings.filter((warning) => warning.includes("on calls"))).toHaveLength(1);
  });
});

describe.each(["drop", "reset"] as const)(
  "a call whose request met a %s before our property was granted",
  (type) => {
    const lost = async () => {
      const account = await accountGranting(withoutSchemas);
      const { portal } = account;
      portal.passes(3_600_000);
      const call = storedCall(portal, callRecord("1"));
      portal.crm.faults.add({ type, match: "batch create", times: 1 });
      expect(await call.deliver()).toHaveProperty("failed");
      portal.passes(1_000);
      account.grant(schemaScope);
      const { sentAt } = call.record();
      portal.reconnect();
      await portal.connector.prepare?.();
      return { portal, call, sentAt };
    };

    test("is there once afterwards, and goes on as one", async () => {
      const { portal, call } = await lost();
      for (let tries = 0; tries < 3; tries += 1) {
        if ("saved" in (await call.deliver())) break;
        portal.passes(61_000);
      }
      await call.deliver({ fields: { hs_call_title: "Called back" } });
      const calls = portal.crm.people.calls();
      expect(calls.map(({ properties }) => properties["hs_call_title"])).toEqual(["Called back"]);
    });

    test("is taken back when it turns out to be a leg of another", async () => {
      const { portal, sentAt = 0 } = await lost();
      const leg = [{ key: "acme:voys:1", sentAt }];
      await portal.connector.removeCalls?.(leg).catch(() => {});
      portal.passes(61_000);
      await portal.connector.removeCalls?.(leg);
      expect(portal.crm.people.calls()).toEqual([]);
    });
  },
);

describe("records beside the contact", () => {
  const associate = { company: "1", deal: "2", ticket: "3" };

  test("are not asked for where the account does not grant them, and the call says so", async () => {
    const { portal } = await accountGranting([
      ...["crm.objects.contacts.read", "crm.objects.contacts.write", "crm.objects.owners.read", schemaScope],
    ]);
    for (const id of ["1", "2"]) {
      const { without } = saved(await portal.connector.saveCalls([callRecord(id, { associate })]));
      expect(without).toEqual([
        expect.stringMatching(/^its company: the account does not grant crm\.objects\.companies\.read;/),
        expect.stringMatching(/^its deal: the account does not grant crm\.objects\.deals\.read;/),
        expect.stringMatching(/^its ticket: the account does not grant tickets;/),
      ]);
    }
    expect(refused(portal)).toEqual([]);
    expect(portal.warnings.filter((warning) => /^calls are logged without/.test(warning))).toHaveLength(3);
    expect(portal.warnings).toContainEqual(expect.stringMatching(/^calls are not matched with companies/));
  });

  test("are on the call with its next change, once they are granted", async () => {
    const { portal, grant } = await accountGranting(withoutSchemas.filter((one) => !/companies/.test(one)));
    const company = portal.crm.people.add("companies", { name: "Acme" });
    const call = storedCall(portal, callRecord("1", { associate: { company } }));
    await call.deliver();
    grant("crm.objects.companies.read");
    expect(await call.deliver()).toMatchObject({ wrote: { companyId: company } });
    expect(await call.deliver()).not.toHaveProperty("without");
    expect(portal.crm.people.calls()[0]?.associations).toEqual({ companies: [company] });
  });
});

test("an account that says nothing is asked for everything, and the call says what HubSpot refused", async () => {
  const scopes = withoutSchemas.filter((one) => !/companies/.test(one));
  const portal = await readyPortal({ scopes, granted: () => [] });
  const { without } = saved(
    await portal.connector.saveCalls([callRecord("1", { associate: { company: "1" } })]),
  );
  expect(without).toEqual([expect.stringMatching(/^its company: .*crm\.objects\.companies\.read/)]);
  expect(refused(portal).map(({ kind }) => kind)).toEqual(["property write", "properties", "associate"]);
});
