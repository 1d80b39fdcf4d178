import type { Owner } from "../../src/core/contact.ts";
import type {
  ConnectContext,
  Connector,
  ConnectorKind,
  FieldDescription,
  FieldDescriptions,
} from "../../src/core/crm.ts";
import { CrmError } from "../../src/core/errors.ts";
import { textAt } from "../../src/lib/body.ts";
import { openAccount, type SalesforceAccount, workOn, workOnTasks } from "./account.ts";
import { findContacts } from "./find.ts";
import { closeFollowUps, standingsOf } from "./follow-up.ts";
import { oauth } from "./oauth.ts";
import { personObjects } from "./people.ts";
import { saveCalls } from "./save.ts";
import type { ObjectField, ObjectFields } from "./schema.ts";
import { installedSettings, type SalesforceSettings, settings } from "./settings.ts";
import { changedContacts } from "./sync.ts";
import { loadClient, queryAll, type RequestOptions, unlessStopped } from "./transport.ts";
import { removeCalls } from "./write.ts";

export type { SalesforceSettings } from "./settings.ts";

/** Salesforce: a call is a Task, found again by an external id of ours on Activity. */
export const salesforce: ConnectorKind<SalesforceSettings> = {
  id: "salesforce",
  label: "Salesforce",
  settings,
  installed: installedSettings,
  oauth,
  // Salesforce leads from the id alone to the record's page.
  recordUrl: ({ url }, { id }) => url && `${url}/${encodeURIComponent(id)}`,
  contactKinds: ["contact", "lead", "company"],
  connect,
  load: loadClient,
};

const background: RequestOptions = { priority: "sync" };

function connect(given: SalesforceSettings, context: ConnectContext): Connector {
  const account = openAccount(given, context);
  const { schema, inTurn } = account;
  const tasks = (signal?: AbortSignal) => workOnTasks(account, { priority: "deliver", signal });
  return {
    batchSize: 1_000,
    // This many numbers fit into one search, even with three forms of each.
    lookupSize: 80,
    webLinks: [],
    findContacts: (numbers, signal, urgent = false) =>
      unlessStopped(signal, async () => {
        if (numbers.length === 0) return new Map();
        return findContacts(
          await workOn(account, { priority: urgent ? "answer" : "match", signal }),
          numbers,
        );
      }),
    saveCalls: (records, signal) =>
      unlessStopped(signal, () =>
        inTurn(async () => (records.length > 0 ? saveCalls(await tasks(signal), records) : [])),
      ),
    tasks: (given, signal) => unlessStopped(signal, async () => standingsOf(await tasks(signal), given)),
    closeTasks: (given, signal) =>
      unlessStopped(signal, () => inTurn(async () => closeFollowUps(await tasks(signal), given))),
    removeCalls: (calls) =>
      inTurn(async () => {
        if (calls.length > 0) await removeCalls(await tasks(), calls);
      }),
    changedContacts: (cursor, signal) =>
      unlessStopped(signal, async () =>
        changedContacts(await workOn(account, { priority: "sync", signal }), cursor),
      ),
    owners: () => owners(account),
    fields: () => fields(account),
    prepare: async () => {
      await Promise.all(personObjects.map((object) => schema.of(object, background)));
      await account.taskKey(background);
    },
  };
}

const users =
  "SELECT Id, Name, Email, TimeZoneSidKey, IsActive FROM User WHERE UserType = 'Standard' ORDER BY Id";
const queues = "SELECT Id, Name FROM Group WHERE Type = 'Queue' ORDER BY Id";

/** The org's users, deactivated ones included, and the queues that own leads; no portal users and automated processes. */
async function owners({ transport }: SalesforceAccount): Promise<Owner[]> {
  const connection = await transport.open(background);
  const people = await queryAll(connection, users);
  // Not every user may read queues; their names are only shown to people.
  const groups = await queryAll(connection, queues).catch((error: unknown) => {
    if (error instanceof CrmError && error.retry === "never") return [];
    throw error;
  });
  return [
    ...people.flatMap((user) => {
      const id = textAt(user, "Id");
      const name = textAt(user, "Name");
      const email = textAt(user, "Email");
      const timeZone = textAt(user, "TimeZoneSidKey");
      const left = user["IsActive"] === false && { left: true as const };
      return id
        ? [{ id, ...(name && { name }), ...(email && { email }), ...(timeZone && { timeZone }), ...left }]
        : [];
    }),
    ...groups.flatMap((group): Owner[] => {
      const id = textAt(group, "Id");
      const name = textAt(group, "Name");
      return id ? [{ id, ...(name && { name: `the queue ${name}` }), left: true }] : [];
    }),
  ];
}

/** An unknown caller becomes a Lead or a Contact, so a mapping may name the fields of both. */
async function fields({ schema }: SalesforceAccount): Promise<FieldDescriptions> {
  const [task, ...people] = await Promise.all([
    schema.of("Task", background),
    ...personObjects.map((object) => schema.of(object, background)),
  ]);
  const [contact, lead] = people;
  const activity = descriptions(task);
  return {
    activity,
    task: activity,
    contact: descriptions(new Map([...(contact ?? []), ...(lead ?? [])])),
    readable: [...new Set(people.flatMap((fields) => [...fields.keys()]))],
  };
}

const types: Record<string, FieldDescription["type"]> = {
  int: "number",
  long: "number",
  double: "number",
  currency: "number",
  percent: "number",
  boolean: "boolean",
  date: "date",
  datetime: "datetime",
};

function descriptions(fields: ObjectFields): FieldDescription[] {
  return [...fields.values()].map((field) => {
    const options = optionsOf(field);
    return {
      name: field.name,
      type: options ? "picklist" : (types[field.type] ?? "string"),
      writable: field.createable || field.updateable,
      ...(options && { options }),
    };
  });
}

/** Only a restricted picklist refuses other values. */
function optionsOf({ type, restrictedPicklist, options }: ObjectField): string[] | undefined {
  if (!restrictedPicklist || !/picklist$/.test(type)) return undefined;
  const active = options.filter((option) => option.active);
  return [...new Set(active.flatMap(({ value, label }) => [value, label]))];
}
