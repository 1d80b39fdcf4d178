import type { Field, Row, Value } from "./field.ts";
import { idOf } from "./ids.ts";
import { indexesOf } from "./indexes.ts";
import {
  accountObject,
  caseObject,
  contactObject,
  groupObject,
  leadObject,
  type ObjectType,
  opportunityObject,
  organizationObject,
  userObject,
} from "./objects.ts";
import { proceduralContacts } from "./procedural.ts";
import { createTable, type Journal, type Table } from "./table.ts";
import { taskObject } from "./task-object.ts";

/** What may change while the emulator runs. */
export type OrgSettings = {
  /** Whether our package, with its key field, is installed and visible to the user. */
  withPackage: boolean;
  /** Whether the user may customize the org. */
  isAdmin: boolean;
  /** Requests in 24 hours. */
  dailyLimit: number;
  /** How long SOSL does not know what was written. */
  searchLagMs: number;
  /** Whether a value of the wrong JSON type or an unknown field fails its row or the whole collection (unverified). */
  parseErrors: "row" | "request";
  /** What its duplicate rule does with a contact or lead that is there already. */
  duplicateRule: "alert" | "block" | "off";
};

/** A validation rule or a flow: what it says of a record that it refuses. `fields`: where the error stands. */
export type Rule = {
  object: string;
  on?: "create" | "update";
  refuses: (row: Readonly<Record<string, Value>>) => boolean;
  message: string;
  fields?: string[];
  code?: string;
};

export type OrgOptions = Partial<OrgSettings> & {
  now?: () => number;
  namespace?: string;
  timeZone?: string;
  /** How many procedural contacts there are. */
  contacts?: number;
  personAccounts?: boolean;
};

/** A Salesforce org: its objects and its records. */
export type Org = {
  settings: OrgSettings;
  /** Queues that may own Tasks; the others may own leads only. */
  taskQueues: Set<string>;
  /** What admins made of the org, which refuses some records. */
  rules: Rule[];
  now(): number;
  /** Name of the key field, with its namespace. */
  keyField: string;
  /** An object by its name, whatever the case. */
  type(name: string): ObjectType | undefined;
  types(): ObjectType[];
  /** The fields that the user sees. */
  fields(type: ObjectType): Field[];
  field(type: ObjectType, name: string): Field | undefined;
  table(type: string): Table;
  /** The record behind an id of any type, deleted ones included. */
  record(id: string): { type: ObjectType; row: Row } | undefined;
  typeOfId(id: string): ObjectType | undefined;
  nextId(type: ObjectType): string;
  /** The user that our requests run as. */
  userId: string;
  /** Takes back everything that `work` writes, unless it returns true. Returns how to take it back later. */
  atomically(work: () => boolean): () => void;
};

/** The system time fields have whole seconds. */
export function stampOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}.000Z`;
}

export function createOrg(options: OrgOptions): Org {
  const now = options.now ?? Date.now;
  const types = createTypes(options);
  const byName = new Map(types.map((type) => [type.name.toLowerCase(), type]));
  const byPrefix = new Map(types.map((type) => [type.keyPrefix, type]));
  const keyField = `${options.namespace ? `${options.namespace}__` : ""}Call_Key__c`;
  const userId = idOf("005", 1);
  const journal: Journal = { undo: undefined };
  const tables = new Map<string, Table>();
  for (const { name } of types) {
    const procedural = name === "Contact" && options.contacts ? contactsOf(options.contacts) : undefined;
    tables.set(name, createTable(indexesOf(name, keyField), journal, now, procedural));
  }
  let sequence = 1_000_000_000;
  const org: Org = {
    settings: {
      withPackage: options.withPackage ?? true,
      isAdmin: options.isAdmin ?? true,
      dailyLimit: options.dailyLimit ?? 100_000,
      searchLagMs: options.searchLagMs ?? 0,
      parseErrors: options.parseErrors ?? "row",
      duplicateRule: options.duplicateRule ?? "alert",
    },
    taskQueues: new Set(),
    rules: [],
    now,
    keyField,
    userId,
    type: (name) => byName.get(name.toLowerCase()),
    types: () => types,
    fields: (type) => type.fields.filter((field) => !field.packaged || org.settings.withPackage),
    field(type, name) {
      const lower = name.toLowerCase();
      const field = type.fields.find((one) => one.name === name || one.name.toLowerCase() === lower);
      return field?.packaged && !org.settings.withPackage ? undefined : field;
    },
    table(type) {
      const table = tables.get(type);
      if (!table) throw new Error(`the emulator has no object ${type}`);
      return table;
    },
    typeOfId: (id) => byPrefix.get(id.slice(0, 3)),
    record(id) {
      const type = org.typeOfId(id);
      const row = type && org.table(type.name).get(id);
      return type && row && { type, row };
    },
    nextId: (type) => idOf(type.keyPrefix, sequence++),
    atomically(work) {
      const outer = journal.undo;
      const steps: (() => void)[] = [];
      journal.undo = steps;
      const keep = work();
      journal.undo = outer;
      const undo = () => {
        for (const step of steps.splice(0).reverse()) step();
      };
      if (keep) outer?.push(undo);
      else undo();
      return undo;
    },
  };
  for (const [name, row] of foundingRows(org, options)) org.table(name).put(row);
  return org;

  function contactsOf(size: number) {
    const days = 300 * 86_400_000;
    const stepMs = Math.max(1, Math.floor(days / size));
    return proceduralContacts({ size, firstStamp: now() - 365 * 86_400_000, stepMs, ownerId: userId });
  }
}

function createTypes({ namespace, personAccounts = false }: OrgOptions): ObjectType[] {
  return [
    taskObject(namespace),
    contactObject(personAccounts),
    leadObject(),
    accountObject(personAccounts),
    userObject(),
    groupObject(),
    organizationObject(),
    opportunityObject(),
    caseObject(),
  ];
}

/** The running user and the organization itself. */
function foundingRows(
  { userId, now }: Org,
  { timeZone = "Europe/Amsterdam", namespace }: OrgOptions,
): [string, Row][] {
  const stamp = stampOf(now());
  const system = {
    IsDeleted: false,
    CreatedDate: stamp,
    CreatedById: userId,
    LastModifiedDate: stamp,
    LastModifiedById: userId,
    SystemModstamp: stamp,
    TimeZoneSidKey: timeZone,
  };
  const user: Row = {
    ...system,
    Id: userId,
    Username: "integration@example.com",
    LastName: "Integration",
    Name: "Integration",
    Email: "integration@example.com",
    Alias: "integr",
    IsActive: true,
    UserType: "Standard",
  };
  const organization: Row = {
    ...system,
    Id: idOf("00D", 1),
    Name: "Emulated org",
    IsSandbox: false,
    NamespacePrefix: namespace ?? null,
    OrganizationType: "Enterprise Edition",
    InstanceName: "EMU1",
  };
  return [
    ["User", user],
    ["Organization", organization],
  ];
}
