import { derive } from "./derive.ts";
import type { FieldOptions, FieldType, Row, Value } from "./field.ts";
import { field } from "./field.ts";
import { type Org, type Rule, stampOf } from "./org.ts";
import type { Values } from "./read-values.ts";
import { deleteRow, stamps, typeNamed } from "./write.ts";

/** What people do in Salesforce meanwhile; no rule of the API holds them back. Ids have 18 characters. */
export type People = {
  /** Any record of any type. */
  add(type: string, fields: Values): string;
  addUser(fields: Values): string;
  /** A queue; `tasks`: it may own Tasks, too. */
  addQueue(name: string, tasks?: boolean): string;
  addContact(fields: Values): string;
  addLead(fields: Values): string;
  /** With a `LastName`, and person accounts switched on: a person account and its contact. */
  addAccount(fields: Values): string;
  /** Its Tasks move along. The new contact's id. */
  convertLead(leadId: string): string;
  /** `loser` is deleted; its Tasks move to `winner`. */
  merge(winner: string, loser: string): void;
  edit(type: string, id: string, fields: Values): void;
  remove(type: string, id: string): void;
  get(type: string, id: string): Row | undefined;
  /** Live Tasks, in the order of their creation. */
  tasks(): Row[];
  /** A custom field, or another field that this org has. */
  addField(type: string, name: string, kind: FieldType, options?: FieldOptions): void;
  /** A validation rule, a trigger or a flow. Returns how to switch it off. */
  addRule(rule: Rule): () => void;
  /** What an admin may have made of a picklist. */
  setPicklist(
    type: string,
    name: string,
    values: { value: string; isDefault?: boolean; closed?: boolean }[],
  ): void;
};

const ofPerson: Record<string, string> = {
  FirstName: "FirstName",
  LastName: "LastName",
  PersonMobilePhone: "MobilePhone",
  PersonHomePhone: "HomePhone",
  PersonOtherPhone: "OtherPhone",
  Phone: "Phone",
  PersonEmail: "Email",
};

export function createPeople(org: Org): People {
  let users = 0;
  const people: People = {
    add(typeName, fields) {
      const type = typeNamed(org, typeName);
      const defaults = Object.fromEntries(
        type.fields.flatMap(({ name, options, type: kind }): [string, Value][] => {
          const option = options.find(({ isDefault }) => isDefault);
          return option ? [[name, option.value]] : kind === "boolean" ? [[name, false]] : [];
        }),
      );
      const id = org.nextId(type);
      const row = { OwnerId: org.userId, ...defaults, ...stamps(org, true), ...fields, Id: id };
      org.table(type.name).put(derive(org, type, row));
      return id;
    },
    addUser(fields) {
      const email = fields["Email"] ?? `user${++users}@example.com`;
      return people.add("User", {
        LastName: "User",
        IsActive: true,
        UserType: "Standard",
        Email: email,
        Username: email,
        ...fields,
      });
    },
    addQueue(name, tasks = false) {
      const id = people.add("Group", { Name: name, Type: "Queue" });
      if (tasks) org.taskQueues.add(id);
      return id;
    },
    addContact: (fields) => people.add("Contact", { LastName: "Contact", ...fields }),
    addLead: (fields) => people.add("Lead", { LastName: "Lead", Company: "Company", ...fields }),
    addAccount(fields) {
      if (fields["LastName"] === undefined) return people.add("Account", { Name: "Account", ...fields });
      const account = people.add("Account", { ...fields, IsPersonAccount: true });
      const contact = people.add("Contact", {
        ...personFields(fields),
        AccountId: account,
        IsPersonAccount: true,
      });
      people.edit("Account", account, { PersonContactId: contact });
      return account;
    },
    convertLead(leadId) {
      const lead = existing("Lead", leadId);
      const accountId = people.addAccount({ Name: lead["Company"] ?? "", Phone: lead["Phone"] ?? null });
      const names = ["FirstName", "LastName", "Phone", "MobilePhone", "Email", "Title", "OwnerId"];
      const fields = Object.fromEntries(names.map((name) => [name, lead[name] ?? null]));
      const contactId = people.addContact({ ...fields, AccountId: accountId });
      people.edit("Lead", leadId, {
        IsConverted: true,
        Status: "Closed - Converted",
        ConvertedDate: stampOf(org.now()).slice(0, 10),
        ConvertedAccountId: accountId,
        ConvertedContactId: contactId,
      });
      moveTasks(leadId, contactId);
      return contactId;
    },
    merge(winner, loser) {
      const type = org.typeOfId(loser)?.name ?? "";
      moveTasks(loser, winner);
      org
        .table(type)
        .put({ ...existing(type, loser), ...stamps(org, false), IsDeleted: true, MasterRecordId: winner });
    },
    edit(typeName, id, fields) {
      const type = typeNamed(org, typeName);
      const before = existing(typeName, id);
      org.table(type.name).put(derive(org, type, { ...before, ...stamps(org, false), ...fields }));
      const contact = type.name === "Account" ? before["PersonContactId"] : undefined;
      if (typeof contact === "string") people.edit("Contact", contact, personFields(fields));
    },
    remove(type, id) {
      deleteRow(org, typeNamed(org, type), id);
    },
    get: (type, id) => org.table(type).get(id),
    tasks: () => [...org.table("Task").stored()].filter((row) => row["IsDeleted"] !== true),
    addField(type, name, kind, options) {
      typeNamed(org, type).fields.push(field(name, kind, options));
    },
    addRule(rule) {
      org.rules.push(rule);
      return () => void org.rules.splice(org.rules.indexOf(rule), 1);
    },
    setPicklist(type, name, values) {
      const found = typeNamed(org, type).fields.find((one) => one.name === name);
      if (!found) throw new Error(`${type} has no field ${name}`);
      found.options = values.map((option) => ({ active: true, isDefault: false, ...option }));
    },
  };
  return people;

  function moveTasks(from: string, to: string): void {
    const tasks = org.table("Task").lookup("WhoId", from) ?? [];
    for (const task of tasks) people.edit("Task", task.Id, { WhoId: to });
  }

  function existing(type: string, id: string): Row {
    const row = org.table(type).get(id);
    if (!row) throw new Error(`there is no ${type} ${id}`);
    return row;
  }
}

function personFields(fields: Values): Values {
  return Object.fromEntries(
    Object.entries(ofPerson).flatMap(([ours, theirs]) =>
      ours in fields ? [[theirs, fields[ours] ?? null]] : [],
    ),
  );
}
