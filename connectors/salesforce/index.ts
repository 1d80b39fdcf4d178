import type { ConnectContext, Connector, ConnectorKind } from "../../src/core/contracts.ts";
import { createApi, unlessStopped } from "./api.ts";
import { changedContacts } from "./changes.ts";
import { fieldList } from "./field-list.ts";
import { findContacts } from "./find.ts";
import { oauth } from "./oauth.ts";
import { owners } from "./owners.ts";
import { personObjects } from "./people.ts";
import { createSaver } from "./save.ts";
import { createSchema } from "./schema.ts";
import { installedSettings, type SalesforceSettings, settings } from "./settings.ts";

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
