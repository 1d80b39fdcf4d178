import type { ContactRef, Owner } from "../../src/core/contact.ts";
import type { ConnectContext, Connector, ConnectorKind, FieldDescriptions } from "../../src/core/crm.ts";
import type { Account } from "../../src/core/crm-app.ts";
import { type JsonObject, textAt } from "../../src/lib/body.ts";
import type { Priority } from "../../src/lib/budget.ts";
import { type HubspotAccount, openAccount, workOn } from "./account.ts";
import { associates } from "./associations.ts";
import { findContacts } from "./find.ts";
import { closeFollowUps, standingsOf } from "./follow-up.ts";
import { createAppTokens, oauth } from "./oauth.ts";
import { createRecordings } from "./recordings.ts";
import { nextOf, resultsIn, rowsAtOnce } from "./rows.ts";
import { recordingField, saveCalls } from "./save.ts";
import { type HubspotSettings, installedSettings, settings } from "./settings.ts";
import { changedContacts, contactsById } from "./sync.ts";
import { type AccountRequests, loadClient } from "./transport.ts";
import { describe } from "./values.ts";
import { createJournal, webhook } from "./webhook.ts";
import { removeCalls } from "./write.ts";

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
    recordUrl,
    contactKinds: ["contact", "company"],
    associates,
    connect,
    load: loadClient,
  };
}

function connect(crm: HubspotSettings, context: ConnectContext): Connector {
  const account = openAccount(crm, context);
  const { transport, schema, callers, player } = account;
  const work = (doing: string, priority: Priority, signal?: AbortSignal) =>
    workOn(account, { what: `HubSpot, ${doing}`, priority, signal });
  return {
    batchSize: rowsAtOnce,
    parallel: 20,
    lookupSize: 80,
    webLinks: crm.plainLinks ? [] : [recordingField],
    findContacts: (numbers, signal, urgent = false) =>
      findContacts(work("looking up callers", urgent ? "answer" : "match", signal), numbers),
    saveCalls: (records, signal) => saveCalls(work("logging calls", "deliver", signal), records),
    tasks: (given, signal) => standingsOf(work("follow-up tasks", "deliver", signal), given),
    closeTasks: (given, signal) => closeFollowUps(work("follow-up tasks", "deliver", signal), given),
    removeCalls: (activities) => removeCalls(work("removing calls of merged legs", "deliver"), activities),
    changedContacts: (cursor, signal) => changedContacts(work("reading contacts", "sync", signal), cursor),
    contactsById: (ids, signal) => contactsById(work("reading contacts that changed", "sync", signal), ids),
    ...(crm.appId !== undefined && { recordingReady: player.ready }),
    owners: () => owners(work("reading owners", "sync")),
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

const pageSize = 100;

/** All users who own records. HubSpot archives the owner of a user who was deactivated or removed. */
async function owners(requests: AccountRequests): Promise<Owner[]> {
  const active = await list(requests, false);
  const here = new Set(active.map(({ id }) => id));
  const archived = (await list(requests, true)).filter(({ id }) => !here.has(id));
  return [...active, ...archived.map((owner): Owner => ({ ...owner, left: true }))];
}

async function list(requests: AccountRequests, archived: boolean): Promise<Owner[]> {
  const all: Owner[] = [];
  let after: string | undefined;
  do {
    const body: unknown = await requests.send((client) =>
      client.crm.owners.ownersApi.getPage(undefined, after, pageSize, archived),
    );
    all.push(...resultsIn(body).flatMap(ownerIn));
    after = nextOf(body);
  } while (after !== undefined);
  return all;
}

function ownerIn(owner: JsonObject): Owner[] {
  const [id, email] = [textAt(owner, "id"), textAt(owner, "email")];
  const name = [textAt(owner, "firstName"), textAt(owner, "lastName")].filter(Boolean).join(" ");
  return id === undefined ? [] : [{ id, ...(name && { name }), ...(email && { email }) }];
}

/** Of the records that callers are (HubSpot's "object type IDs"). */
const objectTypeIds: Partial<Record<ContactRef["kind"], string>> = { contact: "0-1", company: "0-2" };

function recordUrl({ id: portal, url }: Account, { kind, id }: ContactRef): string | undefined {
  const type = objectTypeIds[kind];
  if (url === undefined || type === undefined) return undefined;
  return `${url}/contacts/${portal}/record/${type}/${encodeURIComponent(id)}`;
}
