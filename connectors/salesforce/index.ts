import type { Owner } from "../../src/core/contact.ts";
import type { ConnectContext, Connector, ConnectorKind } from "../../src/core/contracts.ts";
import { CrmError } from "../../src/core/errors.ts";
import { textAt } from "../../src/lib/body.ts";
import { createSaver } from "./account.ts";
import { fieldList } from "./field-list.ts";
import { findContacts } from "./find.ts";
import { oauth } from "./oauth.ts";
import { personObjects } from "./people.ts";
import { createSchema } from "./schema.ts";
import { installedSettings, type SalesforceSettings, settings } from "./settings.ts";
import { changedContacts } from "./sync.ts";
import { type Api, createApi, queryAll, unlessStopped } from "./transport.ts";

export type { SalesforceSettings } from "./settings.ts";

/** Salesforce: a call is a Task, found again by an external id of ours on Activity. */
export const salesforce: ConnectorKind<SalesforceSettings> = {
  id: "salesforce",
  label: "Salesforce",
  settings,
  installed: installedSettings,
  oauth,
  contactKinds: ["contact", "lead", "company"],
  connect,
};

function connect(given: SalesforceSettings, context: ConnectContext): Connector {
  const api = createApi(given, context);
  const schema = createSchema(api, context.now);
  const saver = createSaver({ api, schema, keyField: given.keyField, context });
  return {
    batchSize: 1_000,
    // So many numbers fit one search, also where each has three writings.
    lookupSize: 80,
    webLinks: [],
    findContacts: (numbers, signal, urgent = false) =>
      unlessStopped(signal, () =>
        findContacts({ api, schema }, numbers, { priority: urgent ? "answer" : "match", signal }, context),
      ),
    saveCalls: (records, signal) => unlessStopped(signal, () => saver.save(records, signal)),
    tasks: (given, signal) => unlessStopped(signal, () => saver.tasks(given, signal)),
    closeTasks: (given, signal) => unlessStopped(signal, () => saver.closeTasks(given, signal)),
    removeCalls: saver.remove,
    changedContacts: (cursor, signal) =>
      unlessStopped(signal, () =>
        changedContacts({ api, schema }, cursor, { priority: "sync", signal }, context),
      ),
    owners: () => owners(api),
    fields: () => fieldList(schema),
    prepare: async () => {
      const ask = { priority: "sync" } as const;
      await Promise.all(personObjects.map((object) => schema.of(object, ask)));
      await saver.prepare();
    },
  };
}

const users =
  "SELECT Id, Name, Email, TimeZoneSidKey, IsActive FROM User WHERE UserType = 'Standard' ORDER BY Id";
const queues = "SELECT Id, Name FROM Group WHERE Type = 'Queue' ORDER BY Id";

/**
 * The people who work in the org, those who have left too, and the queues that own leads: no portal users, no automated
 * process.
 */
async function owners(api: Api): Promise<Owner[]> {
  const connection = await api.open({ priority: "sync" });
  const people = await queryAll(connection, users);
  // Not every user may read queues; their names are only for people.
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
