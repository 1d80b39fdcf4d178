import { define, ownerProperty, readOnly } from "./definitions.ts";
import type { ObjectType, Property } from "./types.ts";

export const dispositions = {
  "9d9162e7-6cf3-4944-bf63-4dff82258764": "Busy",
  "f240bbac-87c9-4f6e-bf70-924b57d47db7": "Connected",
  "a4c4c377-d246-4b32-a13b-75a56a4cd0ff": "Left live message",
  "b2cf5968-551e-4856-9783-52b3da59a7d0": "Left voicemail",
  "73a0d17f-1163-4015-bdd5-ec830791da20": "No answer",
  "17b47fee-58de-441e-a44c-c6300d46f273": "Wrong number",
} as const;

const callStatuses =
  "BUSY CALLING_CRM_USER CANCELED COMPLETED CONNECTING FAILED IN_PROGRESS NO_ANSWER QUEUED RINGING".split(
    " ",
  );

const engagement = [
  define("hs_timestamp", "datetime", "Activity date"),
  ownerProperty("Activity assigned to"),
  define("hs_attachment_ids", "enumeration", "Attached file IDs", {
    fieldType: "checkbox",
    externalOptions: true,
  }),
  readOnly("hs_object_id", "number", "Record ID"),
  readOnly("hs_createdate", "datetime", "Create date"),
  readOnly("hs_lastmodifieddate", "datetime", "Last modified date"),
  readOnly("hs_unique_creation_key", "string", "Unique property used for idempotent creates", {
    hasUniqueValue: true,
    hidden: true,
  }),
];

const calls = [
  define("hs_call_title", "string", "Call Title"),
  define("hs_call_body", "string", "Call notes", { fieldType: "html" }),
  define("hs_call_direction", "enumeration", "Call direction", {
    options: { INBOUND: "Inbound", OUTBOUND: "Outbound" },
  }),
  define("hs_call_duration", "number", "Call duration"),
  define("hs_call_status", "enumeration", "Call status", { options: callStatuses }),
  define("hs_call_disposition", "enumeration", "Call outcome", { options: dispositions }),
  define("hs_call_from_number", "string", "From number", { fieldType: "phonenumber" }),
  define("hs_call_to_number", "string", "To Number", { fieldType: "phonenumber" }),
  define("hs_call_recording_url", "string", "Recording URL"),
  define("hs_call_has_voicemail", "bool", "Call has voicemail", {
    options: { true: "True", false: "False" },
  }),
  define("hs_call_source", "enumeration", "Call Source", {
    options: { INTEGRATIONS_PLATFORM: "Integrations Platform" },
  }),
  define("hs_call_external_id", "string", "External ID"),
  define("hs_call_external_account_id", "string", "External account ID"),
  define("hs_call_app_id", "number", "App ID"),
  define("hs_activity_type", "enumeration", "Call and meeting type", {
    options: ["Discovery call", "Follow up call", "Support call"],
  }),
  define("hs_call_callee_object_id", "number", "Callee object id"),
  define("hs_call_callee_object_type_id", "string", "Callee object type id"),
];

const tasks = [
  define("hs_task_subject", "string", "Task Title"),
  define("hs_task_body", "string", "Task Notes", { fieldType: "html" }),
  define("hs_task_status", "enumeration", "Task Status", {
    options: ["COMPLETED", "DEFERRED", "IN_PROGRESS", "NOT_STARTED", "WAITING"],
  }),
  define("hs_task_type", "enumeration", "Task Type", { options: ["CALL", "EMAIL", "LINKED_IN", "TODO"] }),
  define("hs_task_priority", "enumeration", "Priority", { options: ["HIGH", "MEDIUM", "LOW", "NONE"] }),
  define("hs_task_reminders", "string", "Reminders"),
];

const record = (changed: string): Property[] => [
  readOnly("hs_object_id", "number", "Record ID"),
  readOnly("createdate", "datetime", "Create Date"),
  readOnly(changed, "datetime", "Last Modified Date"),
];

const phone = { fieldType: "phonenumber" };
const derived = { calculated: true, fieldType: "calculation_equation" };

const contacts = [
  ...record("lastmodifieddate"),
  define("firstname", "string", "First Name", { formField: true }),
  define("lastname", "string", "Last Name", { formField: true }),
  define("email", "string", "Email", { hasUniqueValue: true, formField: true }),
  define("company", "string", "Company Name"),
  define("jobtitle", "string", "Job Title"),
  define("phone", "string", "Phone Number", phone),
  define("mobilephone", "string", "Mobile Phone Number", phone),
  define("fax", "string", "Fax Number", phone),
  define("hs_whatsapp_phone_number", "string", "WhatsApp Phone Number", phone),
  readOnly("hs_calculated_phone_number", "string", "Calculated Phone Number in E.164 format", derived),
  readOnly("hs_calculated_mobile_number", "string", "Calculated Mobile Number in E.164 format", derived),
  ...["phone", "mobile"].flatMap((kind) => [
    readOnly(`hs_searchable_calculated_${kind}_number`, "string", `Searchable ${kind} number`, derived),
    readOnly(
      `hs_searchable_calculated_international_${kind}_number`,
      "string",
      `Searchable international ${kind} number`,
      derived,
    ),
  ]),
  ownerProperty("Contact owner"),
  define("lifecyclestage", "enumeration", "Lifecycle Stage", {
    fieldType: "radio",
    options: {
      subscriber: "Subscriber",
      lead: "Lead",
      marketingqualifiedlead: "Marketing Qualified Lead",
      salesqualifiedlead: "Sales Qualified Lead",
      opportunity: "Opportunity",
      customer: "Customer",
      evangelist: "Evangelist",
      other: "Other",
    },
  }),
  readOnly("notes_last_updated", "datetime", "Last Activity Date"),
  define("associatedcompanyid", "number", "Primary Associated Company ID"),
  readOnly("hs_merged_object_ids", "enumeration", "Merged record IDs", {
    fieldType: "checkbox",
    externalOptions: true,
  }),
];

const companies = [
  ...record("hs_lastmodifieddate"),
  define("name", "string", "Company name"),
  define("domain", "string", "Company Domain Name"),
  define("phone", "string", "Phone Number", phone),
  ownerProperty("Company owner"),
];

const deals = [
  ...record("hs_lastmodifieddate"),
  define("dealname", "string", "Deal Name"),
  define("amount", "number", "Amount"),
  define("closedate", "datetime", "Close Date"),
  define("pipeline", "enumeration", "Pipeline", { options: { default: "Sales Pipeline" } }),
  define("dealstage", "enumeration", "Deal Stage", {
    options: {
      appointmentscheduled: "Appointment scheduled",
      closedwon: "Closed won",
      closedlost: "Closed lost",
    },
  }),
  ownerProperty("Deal owner"),
];

const tickets = [
  ...record("hs_lastmodifieddate"),
  define("subject", "string", "Ticket name"),
  define("content", "string", "Ticket description"),
  define("hs_pipeline", "enumeration", "Pipeline", { options: { "0": "Support Pipeline" } }),
  define("hs_pipeline_stage", "enumeration", "Ticket status", { options: { "1": "New", "4": "Closed" } }),
  ownerProperty("Ticket owner"),
];

/** The property group that every type has. */
export const groupNames: Record<ObjectType, string> = {
  contacts: "contactinformation",
  companies: "companyinformation",
  deals: "dealinformation",
  tickets: "ticketinformation",
  calls: "call",
  tasks: "task",
};

const seeds: Record<ObjectType, Property[]> = {
  contacts,
  companies,
  deals,
  tickets,
  calls: [...engagement, ...calls],
  tasks: [...engagement, ...tasks],
};

/** The properties of a type that every portal has. */
export function seedProperties(type: ObjectType): Property[] {
  return seeds[type].map((property) => ({ ...property, groupName: groupNames[type] }));
}

/** What a record has on the wire when nobody asks for anything else. */
export const defaultProperties: Record<ObjectType, readonly string[]> = {
  contacts: ["createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"],
  companies: ["createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"],
  deals: [
    "amount",
    "closedate",
    "createdate",
    "dealname",
    "dealstage",
    "hs_lastmodifieddate",
    "hs_object_id",
    "pipeline",
  ],
  tickets: [
    "content",
    "createdate",
    "hs_lastmodifieddate",
    "hs_object_id",
    "hs_pipeline",
    "hs_pipeline_stage",
    "subject",
  ],
  calls: ["hs_createdate", "hs_lastmodifieddate", "hs_object_id"],
  tasks: ["hs_createdate", "hs_lastmodifieddate", "hs_object_id"],
};

/** What a new record must have. unverified: for deals and tickets. */
export const requiredProperties: Record<ObjectType, readonly string[]> = {
  contacts: [],
  companies: [],
  deals: [],
  tickets: ["subject", "hs_pipeline_stage"],
  calls: ["hs_timestamp"],
  tasks: ["hs_timestamp"],
};
