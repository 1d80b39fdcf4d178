import { type Field, field, picklist, readOnly, reference, systemFields, text } from "./field.ts";

export type ObjectType = { name: string; label: string; plural: string; keyPrefix: string; fields: Field[] };

export const required = { nillable: false };
export const owner = { nillable: false, defaultedOnCreate: true };

export function object(name: string, keyPrefix: string, fields: Field[], plural = `${name}s`): ObjectType {
  return { name, label: name, plural, keyPrefix, fields: [...systemFields(), ...fields] };
}

/** The fields of a person's name; `Name` is made from them. */
function personName(length = 80): Field[] {
  return [
    text("LastName", length, required),
    text("FirstName", 40),
    picklist("Salutation", ["Mr.", "Ms.", "Mrs.", "Dr.", "Prof."]),
    readOnly("Name", "string", { length: 121, label: "Full Name", ...required }),
  ];
}

/** Worked out from the person's Tasks. */
function lastActivity(): Field {
  return readOnly("LastActivityDate", "date", { label: "Last Activity" });
}

export function contactObject(personAccounts: boolean): ObjectType {
  return object("Contact", "003", [
    readOnly("MasterRecordId", "reference", { referenceTo: ["Contact"], relationship: "MasterRecord" }),
    reference("AccountId", ["Account"]),
    reference("OwnerId", ["User"], owner),
    ...personName(),
    field("Phone", "phone", { label: "Business Phone" }),
    field("Fax", "phone"),
    field("MobilePhone", "phone"),
    field("HomePhone", "phone"),
    field("OtherPhone", "phone"),
    field("AssistantPhone", "phone", { label: "Asst. Phone" }),
    field("Email", "email"),
    text("Title", 128),
    text("Department", 80),
    picklist("LeadSource", ["Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other"]),
    field("Description", "textarea"),
    lastActivity(),
    ...(personAccounts ? [readOnly("IsPersonAccount", "boolean")] : []),
  ]);
}

export function leadObject(): ObjectType {
  const statuses = ["Open - Not Contacted", "Working - Contacted", "Closed - Converted"];
  return object("Lead", "00Q", [
    readOnly("MasterRecordId", "reference", { referenceTo: ["Lead"], relationship: "MasterRecord" }),
    reference("OwnerId", ["Group", "User"], owner),
    ...personName(),
    text("Company", 255, required),
    text("Title", 128),
    field("Phone", "phone"),
    field("MobilePhone", "phone"),
    field("Fax", "phone"),
    field("Email", "email"),
    picklist("Status", statuses, required),
    picklist("LeadSource", ["Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other"]),
    field("Description", "textarea"),
    lastActivity(),
    readOnly("IsConverted", "boolean", { label: "Converted" }),
    readOnly("ConvertedDate", "date"),
    ...["Account", "Contact", "Opportunity"].map((type) =>
      readOnly(`Converted${type}Id`, "reference", {
        length: 18,
        referenceTo: [type],
        relationship: `Converted${type}`,
      }),
    ),
  ]);
}

export function accountObject(personAccounts: boolean): ObjectType {
  const ofPerson = [
    readOnly("IsPersonAccount", "boolean"),
    text("LastName", 80),
    text("FirstName", 40),
    readOnly("PersonContactId", "reference", { referenceTo: ["Contact"], relationship: "PersonContact" }),
    field("PersonMobilePhone", "phone", { label: "Mobile" }),
    field("PersonHomePhone", "phone", { label: "Home Phone" }),
    field("PersonOtherPhone", "phone", { label: "Other Phone" }),
    field("PersonEmail", "email", { label: "Email" }),
  ];
  return object("Account", "001", [
    readOnly("MasterRecordId", "reference", { referenceTo: ["Account"], relationship: "MasterRecord" }),
    text("Name", 255, { ...required, label: "Account Name" }),
    reference("OwnerId", ["User"], owner),
    field("Phone", "phone", { label: "Account Phone" }),
    field("Fax", "phone"),
    field("Website", "url"),
    text("AccountNumber", 40),
    picklist("Type", ["Prospect", "Customer - Direct", "Customer - Channel", "Other"]),
    field("Description", "textarea"),
    ...(personAccounts ? ofPerson : []),
  ]);
}

export function userObject(): ObjectType {
  return object("User", "005", [
    text("Username", 80, required),
    ...personName(),
    field("Email", "email", required),
    text("Alias", 8),
    text("FederationIdentifier", 512),
    field("IsActive", "boolean", { label: "Active" }),
    field("Phone", "phone"),
    field("MobilePhone", "phone"),
    text("Extension", 40),
    picklist("UserType", ["Standard", "CsnOnly", "Guest"], required),
    picklist("TimeZoneSidKey", ["Europe/Amsterdam", "Asia/Kolkata", "America/New_York", "UTC"], required),
  ]);
}

/** Queues and public groups. */
export function groupObject(): ObjectType {
  return object("Group", "00G", [
    text("Name", 40, required),
    text("DeveloperName", 80),
    picklist("Type", ["Queue", "Regular"], required),
  ]);
}

export function organizationObject(): ObjectType {
  return object("Organization", "00D", [
    text("Name", 80, required),
    picklist("TimeZoneSidKey", ["Europe/Amsterdam", "Asia/Kolkata", "America/New_York", "UTC"], required),
    readOnly("IsSandbox", "boolean"),
    readOnly("NamespacePrefix", "string", { length: 15 }),
    readOnly("OrganizationType", "picklist", { label: "Edition" }),
    readOnly("InstanceName", "string", { length: 5 }),
  ]);
}

export function opportunityObject(): ObjectType {
  return object(
    "Opportunity",
    "006",
    [
      text("Name", 120, required),
      reference("AccountId", ["Account"]),
      reference("OwnerId", ["User"], owner),
      picklist("StageName", ["Prospecting", "Negotiation/Review", "Closed Won", "Closed Lost"], required),
      field("CloseDate", "date", required),
    ],
    "Opportunities",
  );
}

export function caseObject(): ObjectType {
  return object("Case", "500", [
    readOnly("CaseNumber", "string", { length: 30 }),
    text("Subject", 255),
    reference("AccountId", ["Account"]),
    reference("ContactId", ["Contact"]),
    reference("OwnerId", ["Group", "User"], owner),
    picklist("Status", ["New", "Working", "Escalated", "Closed"], required),
  ]);
}
