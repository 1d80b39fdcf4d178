import type { Owner } from "../../src/core/contact.ts";
import type { ConnectContext, Connector, ConnectorKind } from "../../src/core/contracts.ts";
import { isObject, type JsonObject, objectAt, textAt } from "../../src/lib/body.ts";
import { createTurns } from "../../src/lib/pace.ts";
import { isPublicUrl } from "../../src/lib/public-address.ts";
import { associates, type SaveTools } from "./account.ts";
import { findContacts } from "./find.ts";
import { closeTasks, tasks } from "./follow-up.ts";
import { createJournal } from "./journal.ts";
import { createLookBack } from "./look-back.ts";
import { createAppTokens, oauth } from "./oauth.ts";
import { callersOf, contactsById } from "./people.ts";
import { createPlayer } from "./player.ts";
import { createRecordings } from "./recordings.ts";
import { removeCalls } from "./remove.ts";
import { resultsIn, rowsAtOnce } from "./rows.ts";
import { recordingField, saveCalls } from "./save.ts";
import { openPortal } from "./schema.ts";
import { type HubspotSettings, installedSettings, settings } from "./settings.ts";
import { changedContacts } from "./sync.ts";
import { type DescribedRequest, openTransport, type Transport } from "./transport.ts";
import { describe } from "./values.ts";
import { webhook } from "./webhook.ts";

const aboutTasks = { what: "HubSpot, follow-up tasks", priority: "deliver" } as const;

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

function connect(crm: HubspotSettings, context: ConnectContext): Connector {
  const transport = openTransport(crm, context);
  const warn = onceEach(context.warn);
  const portal = openPortal(transport, { ...context, warn });
  const callers = callersOf(portal, { ...context, warn });
  const player = createPlayer(transport, crm.appId, warn);
  const lookBack = createLookBack(transport, context);
  const tools: SaveTools = {
    transport,
    portal,
    callers,
    player,
    lookBack,
    inTurn: createTurns(),
    contactsInTurn: createTurns(),
    context,
    warn,
    takesLink: (url) => crm.plainLinks || isPublicUrl(url),
  };
  return {
    batchSize: rowsAtOnce,
    parallel: 20,
    lookupSize: 80,
    webLinks: crm.plainLinks ? [] : [recordingField],
    findContacts: (numbers, signal, urgent = false) => {
      const asking: DescribedRequest = {
        what: "HubSpot, looking up callers",
        priority: urgent ? "answer" : "match",
        signal,
      };
      return findContacts({ transport, callers, context }, numbers, asking);
    },
    saveCalls: (records, signal) => saveCalls(tools, records, signal),
    tasks: (given, signal) => tasks(tools, given, { ...aboutTasks, signal }),
    closeTasks: (given, signal) => closeTasks(tools, given, { ...aboutTasks, signal }),
    removeCalls: (activities) => removeCalls(tools, activities),
    changedContacts: (cursor, signal) => changedContacts({ transport, callers, context }, cursor, signal),
    contactsById: (ids, signal) =>
      contactsById({ transport, callers, contactFields: context.contactFields }, ids, signal),
    ...(crm.appId !== undefined && { recordingReady: player.ready }),
    owners: () => owners(transport),
    fields: async () => {
      const [calls, contacts, tasks] = await Promise.all([
        portal.properties("calls"),
        portal.properties("contacts"),
        portal.properties("tasks"),
      ]);
      return {
        activity: [...calls.values()].map(describe),
        contact: [...contacts.values()].map(describe),
        task: [...tasks.values()].map(describe),
        readable: [...contacts.keys()],
      };
    },
    prepare: async () => {
      await portal.hasKey("calls");
      await callers.shapes();
    },
    close: transport.close,
  };
}

function onceEach(warn: (sentence: string) => void): (sentence: string) => void {
  const said = new Set<string>();
  return (sentence) => {
    if (said.has(sentence)) return;
    if (said.size < 1_000) said.add(sentence);
    warn(sentence);
  };
}

const asking: DescribedRequest = { what: "HubSpot, reading owners", priority: "sync" };
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
    const body: unknown = await transport.ask(asking, (client) =>
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
