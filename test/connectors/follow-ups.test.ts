import type { SalesforceOptions } from "@switchhook/emulators/salesforce";
import { describe, expect, onTestFinished, test } from "vitest";
import type { CallRecord, Connector, Fields, FollowUp } from "../../src/core/crm.ts";
import { openPortal, type PortalOptions } from "./hubspot-portal.ts";
import { openLocalCrm } from "./local-crm.ts";
import { arrangeOrg } from "./salesforce-org.ts";

/** What people see and do with tasks in a CRM. `requests`: how many it has had. */
type Tasks = {
  connector: Connector;
  call: Fields;
  task: Fields;
  status(id: string): string;
  closed: string;
  /** Fields of a task that the CRM does not take. */
  /** A field that the CRM refuses; `leavesItOut`: the task is made without it. */
  refused: Fields;
  leavesItOut: boolean;
  edit(id: string, what: "subject" | "due" | "closed"): void;
  remove(id: string): void;
  requests(): number;
};

async function localCrm(): Promise<Tasks> {
  const crm = openLocalCrm({ contacts: [], owners: [], activities: [] });
  onTestFinished(crm.tearDown);
  const change = (id: string, members: object) =>
    crm.edit(({ tasks = [] }) => Object.assign(tasks.find((task) => task["id"] === id) ?? {}, members));
  const edits = { subject: { subject: "Mine" }, due: { dueDate: "2026-12-01" }, closed: { status: "done" } };
  return {
    connector: crm.connector,
    call: { subject: "Missed call" },
    task: { subject: "Call back", dueDate: "2026-11-20", status: "open" },
    closed: "done",
    refused: { key: "mine" },
    leavesItOut: true,
    status: (id) => String(crm.read().tasks?.find((task) => task["id"] === id)?.["status"]),
    edit: (id, what) => change(id, edits[what]),
    remove: (id) =>
      crm.edit((content) => {
        content.tasks = content.tasks?.filter((task) => task["id"] !== id) ?? [];
      }),
    requests: () => 0,
  };
}

const hubspot = (options: PortalOptions) => async (): Promise<Tasks> => {
  const portal = await openPortal({ ...options, region: "NL" });
  onTestFinished(portal.tearDown);
  await portal.connector.prepare?.();
  const { people } = portal.crm;
  const edits = {
    subject: { hs_task_subject: "Mine" },
    due: { hs_timestamp: "2026-12-01T10:00:00Z" },
    closed: { hs_task_status: "COMPLETED" },
  };
  return {
    connector: portal.connector,
    call: { hs_timestamp: "2026-11-20T10:00:00Z", hs_call_title: "Missed call" },
    task: {
      hs_task_subject: "Call back",
      hs_task_body: '<p>Missed<br />\nit\'s "them"</p>',
      hs_task_status: "NOT_STARTED",
      hs_timestamp: "2026-11-20T11:00:00.000Z",
    },
    closed: "COMPLETED",
    refused: { no_such_property: "x" },
    leavesItOut: false,
    status: (id) => people.tasks().find((task) => task.id === id)?.properties["hs_task_status"] ?? "",
    edit: (id, what) => people.edit("tasks", id, edits[what]),
    remove: (id) => people.archive("tasks", id),
    requests: () => portal.crm.requests.length,
  };
};

const salesforce = (options: SalesforceOptions) => async (): Promise<Tasks> => {
  const { org, connector, tearDown } = await arrangeOrg({ org: options });
  onTestFinished(tearDown);
  await connector.prepare?.();
  const edits = {
    subject: { Subject: "Mine" },
    due: { ActivityDate: "2026-12-01" },
    closed: { Status: "Completed" },
  };
  return {
    connector,
    call: { Subject: "Missed call" },
    task: {
      Subject: "Call back",
      Status: "Not Started",
      ActivityDate: "2026-11-20",
      Description: "Missed\nit ",
    },
    closed: "Completed",
    refused: { NoSuchField__c: "x" },
    leavesItOut: true,
    status: (id) => String(org.people.tasks().find((task) => task.Id === id)?.["Status"]),
    edit: (id, what) => org.people.edit("Task", id, edits[what]),
    remove: (id) => org.people.remove("Task", id),
    requests: () => org.requests.length,
  };
};

const crms: [string, () => Promise<Tasks>][] = [
  ["the local CRM", localCrm],
  ["HubSpot", hubspot({})],
  ["HubSpot without our property", hubspot({ callUnique: false })],
  ["Salesforce", salesforce({})],
  ["Salesforce without our package", salesforce({ withPackage: false })],
];

describe.each(crms)("follow-ups in %s", (_name, arrange) => {
  async function withTasks(count = 1) {
    const crm = await arrange();
    const records = Array.from({ length: count }, (_, i): CallRecord => {
      return { key: `acme:voys:${i}`, fields: crm.call, modes: {}, ours: {}, task: { fields: crm.task } };
    });
    const made = (await crm.connector.saveCalls(records)).map((result): FollowUp => {
      if (!("saved" in result) || !result.task) throw new Error(`no task: ${JSON.stringify(result)}`);
      return result.task;
    });
    return { crm, records, made };
  }

  test("are open as they were made, and closed in few requests", async () => {
    const { crm, made } = await withTasks(30);
    const standings = await crm.connector.tasks?.(made);
    expect(new Set(standings?.values())).toEqual(new Set(["open"]));
    const before = crm.requests();
    const results = await crm.connector.closeTasks?.(made);
    expect(crm.requests() - before).toBeLessThan(4);
    expect([...(results?.values() ?? [])]).toEqual(made.map(() => "closed"));
    expect(made.map(({ id }) => crm.status(id))).toEqual(made.map(() => crm.closed));
    expect(new Set((await crm.connector.closeTasks?.(made))?.values())).toEqual(new Set(["done"]));
  });

  test.each(["subject", "due"] as const)("stay as they are when a person changed the %s", async (what) => {
    const { crm, made } = await withTasks(2);
    const [touched, other] = made.map(({ id }) => id) as [string, string];
    crm.edit(touched, what);
    const before = crm.status(touched);
    const results = await crm.connector.closeTasks?.(made);
    expect(Object.fromEntries(results ?? [])).toEqual({ [touched]: "touched", [other]: "closed" });
    expect(crm.status(touched)).toBe(before);
  });

  test("are done when a person closed or deleted them", async () => {
    const { crm, made } = await withTasks(2);
    const [closed, deleted] = made.map(({ id }) => id) as [string, string];
    crm.edit(closed, "closed");
    crm.remove(deleted);
    const standings = await crm.connector.tasks?.(made);
    expect(Object.fromEntries(standings ?? [])).toEqual({ [closed]: "done", [deleted]: "done" });
  });

  test("that the CRM refuses leave their call logged, and say so", async () => {
    const crm = await arrange();
    const record = (key: string, task: Fields): CallRecord => {
      return { key: `acme:voys:${key}`, fields: crm.call, modes: {}, ours: {}, task: { fields: task } };
    };
    const bad = { ...crm.task, ...crm.refused };
    const [refused, fine] = await crm.connector.saveCalls([record("1", bad), record("2", crm.task)]);
    expect(refused).toMatchObject({
      created: true,
      without: [expect.stringMatching(/^the follow-up task: ./)],
    });
    expect(refused && "task" in refused).toBe(crm.leavesItOut);
    expect(fine).toMatchObject({ created: true, task: { id: expect.any(String) } });
  });

  test("that a lost answer made are told with the next one", async () => {
    const { crm, records, made } = await withTasks();
    const [record] = records as [CallRecord];
    const sentAt = Date.now() - 3_600_000;
    const [again] = await crm.connector.saveCalls([{ ...record, sentAt }]);
    expect(again).toMatchObject({ task: { id: made[0]?.id } });
    expect(await crm.connector.tasks?.(made)).toEqual(new Map([[made[0]?.id, "open"]]));
  });
});

test("a Salesforce org that does not tell which status is closed keeps its follow-ups open, and says so", async () => {
  const { org, connector, tearDown } = await arrangeOrg({});
  onTestFinished(tearDown);
  org.people.setPicklist("Task", "Status", [
    { value: "Niet gestart", isDefault: true },
    { value: "Voltooid" },
  ]);
  const task = { fields: { Subject: "Terugbellen" } };
  const [result] = await connector.saveCalls([
    { key: "acme:voys:1", fields: { Subject: "Gemist" }, modes: {}, ours: {}, task },
  ]);
  const made = result && "saved" in result && result.task ? [result.task] : [];
  const results = await connector.closeTasks?.(made);
  expect([...(results?.values() ?? [])]).toEqual([expect.objectContaining({ retry: "never" })]);
  expect(org.people.tasks().map(({ Status }) => Status)).toEqual(["Niet gestart", "Niet gestart"]);
});
