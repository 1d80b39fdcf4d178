import type { Owner } from "../../src/core/contact.ts";
import type {
  ConnectContext,
  Connector,
  ConnectorKind,
  FieldDescriptions,
} from "../../src/core/contracts.ts";
import { isObject, type JsonObject, objectAt, textAt } from "../../src/lib/body.ts";
import { type HubspotAccount, openAccount } from "./account.ts";
import { associates } from "./associations.ts";
import { findContacts } from "./find.ts";
import { closeFollowUps, standingsOf } from "./follow-up.ts";
import { createJournal } from "./journal.ts";
import { createAppTokens, oauth } from "./oauth.ts";
import { createRecordings } from "./recordings.ts";
import { removeCalls } from "./remove.ts";
import { resultsIn, rowsAtOnce } from "./rows.ts";
import { recordingField, saveCalls } from "./save.ts";
import { type HubspotSettings, installedSettings, settings } from "./settings.ts";
import { changedContacts, contactsById } from "./sync.ts";
import type { DescribedRequest, Transport } from "./transport.ts";
import { describe } from "./values.ts";
import { webhook } from "./webhook.ts";

/** HubSpot, through its own client. */
export function createHubspot(): ConnectorKind<HubspotSettings> {
  const tokens = createAppTokens();
  return {
    id: "hubspot",
    label: "HubSpot",
    settings,
    installed: installedSettings,
    oauth: { ...oauth, uninstalls: createJournal(tokens) },
    webhook,
    recordings: createRecordings(tokens),
    contactKinds: ["contact", "company"],
    associates,
    connect,
  };
}

const aboutTasks = { what: "HubSpot, follow-up tasks", priority: "deliver" } as const;

function connect(crm: HubspotSettings, context: ConnectContext): Connector {
  const account = openAccount(crm, context);
  const { transport, schema, callers, player } = account;
  return {
    batchSize: rowsAtOnce,
    parallel: 20,
    lookupSize: 80,
    webLinks: crm.plainLinks ? [] : [recordingField],
    findContacts: (numbers, signal, urgent = false) => {
      const priority = urgent ? "answer" : "match";
      return findContacts(account, numbers, { what: "HubSpot, looking up callers", priority, signal });
    },
    saveCalls: (records, signal) => saveCalls(account, records, signal),
    tasks: (given, signal) => standingsOf(account, given, { ...aboutTasks, signal }),
    closeTasks: (given, signal) => closeFollowUps(account, given, { ...aboutTasks, signal }),
    removeCalls: (activities) => removeCalls(account, activities),
    changedContacts: (cursor, signal) => changedContacts(account, cursor, signal),
    contactsById: (ids, signal) => contactsById(account, ids, signal),
    ...(crm.appId !== undefined && { recordingReady: player.ready }),
    owners: () => owners(transport),
    fields: () => fields(account),
    prepare: async () => {
      await schema.hasKey("calls");
      await callers.shapes();
    },
    close: transport.close,
  };
}

async function fields({ schema }: HubspotAccount): Promise<FieldDescriptions> {
  const [calls, contacts, tasks] = await Promise.all([
    schema.properties("calls"),
    schema.properties("contacts"),
    schema.properties("tasks"),
  ]);
  return {
    activity: [...calls.values()].map(describe),
    contact: [...contacts.values()].map(describe),
    task: [...tasks.values()].map(describe),
    readable: [...contacts.keys()],
  };
}

const aboutOwners: DescribedRequest = { what: "HubSpot, reading owners", priority: "sync" };
const pageSize = 100;

/** All users who own records. HubSpot archives the owner of a user who was deactivated or removed. */
async function owners(transport: Transport): Promise<Owner[]> {
  const active = await list(transport, false);
  const here = new Set(active.map(({ id }) => id));
  const archived = (await list(transport, true)).filter(({ id }) => !here.has(id));
  return [...active, ...archived.map((owner): Owner => ({ ...owner, left: true }))];
}

async function list(transport: Transport, archived: boolean): Promise<Owner[]> {
  const all: Owner[] = [];
  let after: string | undefined;
  do {
    const body: unknown = await transport.send(aboutOwners, (client) =>
      client.crm.owners.ownersApi.getPage(undefined, after, pageSize, archived),
    );
    all.push(...resultsIn(body).flatMap(ownerIn));
    after = isObject(body) ? textAt(objectAt(objectAt(body, "paging"), "next"), "after") : undefined;
  } while (after !== undefined);
  return all;
}

function ownerIn(owner: JsonObject): Owner[] {
  const [id, email] = [textAt(owner, "id"), textAt(owner, "email")];
  const name = [textAt(owner, "firstName"), textAt(owner, "lastName")].filter(Boolean).join(" ");
  return id === undefined ? [] : [{ id, ...(name && { name }), ...(email && { email }) }];
}
