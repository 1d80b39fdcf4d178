import type { SalesforceOptions } from "@switchhook/emulators/salesforce";
import type { Fields } from "../../src/core/crm.ts";
import { type Arranged, testConnector } from "../contracts/connector.ts";
import { arrangeOrg } from "./salesforce-org.ts";

const arrangeWith = (options: SalesforceOptions) => async (): Promise<Arranged> => {
  const { org, connector, tearDown } = await arrangeOrg({ org: options });
  const keyField =
    options.withPackage === false
      ? "CallObject"
      : `${options.namespace ? `${options.namespace}__` : ""}Call_Key__c`;
  const isFollowUp = (key: unknown) => String(key).endsWith(":task");
  const calls = () => org.people.tasks().filter((task) => !isFollowUp(task[keyField]));
  return {
    connector,
    fields: {
      title: "Subject",
      note: "Description",
      seconds: "CallDurationInSeconds",
      refused: { NoSuchField__c: "x" },
    },
    contactFields: { LastName: "Unknown caller", Company: "Unknown" },
    taskFields: { Subject: "Call back", Status: "Not Started" },
    addContact: async ({ name, phones: [Phone = null, MobilePhone = null] }) => ({
      id: org.people.addContact({ LastName: name ?? "Contact", Phone, MobilePhone }),
      kind: "contact",
    }),
    activities: async () =>
      calls().map((task) => ({
        id: task.Id,
        key: String(task[keyField]),
        ...(task["WhoId"] != null && { contactId: String(task["WhoId"]) }),
        ownerId: String(task["OwnerId"]),
        fields: Object.fromEntries(Object.entries(task).filter(([, value]) => value !== null)) as Fields,
      })),
    edit: async (id, fields) => org.people.edit("Task", id, emptied(fields)),
    remove: async (id) => org.people.remove("Task", id),
    followUps: async () => org.people.tasks().length - calls().length,
    tearDown,
  };
};

/** Salesforce has no empty text. */
function emptied(fields: Fields) {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, value === "" ? null : value]),
  );
}

testConnector("salesforce", arrangeWith({}));
testConnector("salesforce with a namespace", arrangeWith({ namespace: "switchhook" }));
testConnector("salesforce without our package", arrangeWith({ withPackage: false }));
testConnector(
  "salesforce with person accounts",
  arrangeWith({ personAccounts: true, parseErrors: "request" }),
);
