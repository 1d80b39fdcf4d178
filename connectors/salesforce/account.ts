import type { Connection } from "jsforce";
import type { ConnectContext } from "../../src/core/crm.ts";
import { createTurns } from "../../src/lib/pace.ts";
import { onceEach } from "../../src/lib/patterns.ts";
import { createSchema, keyFieldIn, type ObjectFields, type OrgSchema } from "./schema.ts";
import type { SalesforceSettings } from "./settings.ts";
import { type OrgTransport, openTransport, type RequestOptions } from "./transport.ts";

/** One org, as all work of its connector needs it. */
export type SalesforceAccount = {
  context: ConnectContext;
  /** Passes each sentence on once. */
  warn: (message: string) => void;
  transport: OrgTransport;
  schema: OrgSchema;
  /** One piece of work on Tasks after another: two with one key at once would lock each other out, or create two. */
  inTurn: <T>(work: () => Promise<T>) => Promise<T>;
  taskKey(request: RequestOptions): Promise<TaskKey>;
};

/** How Tasks are found again. */
type TaskKey = {
  fields: ObjectFields;
  /** The field with the key of a call. */
  keyName: string;
  /** Whether the package is missing: then `keyName` is a field that others write, too. */
  ledger: boolean;
};

/** The account for one piece of work, with its connection. */
export type OrgWork = SalesforceAccount & { request: RequestOptions; connection: Connection };
export type TaskWork = OrgWork & TaskKey;

export function openAccount(settings: SalesforceSettings, context: ConnectContext): SalesforceAccount {
  const { keyField } = settings;
  const transport = openTransport(settings, context);
  const schema = createSchema(transport, context.now);
  const warn = onceEach(context.warn);
  return {
    context,
    warn,
    transport,
    schema,
    inTurn: createTurns(),
    async taskKey(request) {
      const fields = await schema.of("Task", request);
      const keyName = keyFieldIn(fields, keyField);
      if (keyName) return { fields, keyName, ledger: false };
      warn(
        `Salesforce has no field ${keyField} on Activity that is an external id and that our user may see: deploy the Switchhook package, or give the user its permission set. Until then calls are found again by CallObject, which is slower.`,
      );
      return { fields, keyName: "CallObject", ledger: true };
    },
  };
}

export async function workOn(account: SalesforceAccount, request: RequestOptions): Promise<OrgWork> {
  return { ...account, request, connection: await account.transport.open(request) };
}

/** The same for work on Tasks. */
export async function workOnTasks(account: SalesforceAccount, request: RequestOptions): Promise<TaskWork> {
  const key = await account.taskKey(request);
  return { ...(await workOn(account, request)), ...key };
}
