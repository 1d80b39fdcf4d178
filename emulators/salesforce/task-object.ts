import { type Field, field, picklist, readOnly, reference, text } from "./field.ts";
import { type ObjectType, object, owner, required } from "./objects.ts";

/** `namespace`: of our package, in front of its field names. */
export function taskObject(namespace: string | undefined): ObjectType {
  const prefix = namespace ? `${namespace}__` : "";
  const statuses = ["Not Started", "In Progress", "Completed", "Waiting on someone else", "Deferred"];
  const status = picklist("Status", statuses, { ...required, restricted: true });
  for (const option of status.options) option.closed = option.value === "Completed";
  return object("Task", "00T", [
    reference("WhoId", ["Contact", "Lead"], { label: "Name ID" }),
    reference("WhatId", ["Account", "Opportunity", "Case"], { label: "Related To ID" }),
    readOnly("AccountId", "reference", { length: 18, referenceTo: ["Account"], relationship: "Account" }),
    reference("OwnerId", ["Group", "User"], { label: "Assigned To ID", ...owner }),
    field("Subject", "combobox"),
    field("ActivityDate", "date", { label: "Due Date Only" }),
    status,
    priority(),
    readOnly("IsHighPriority", "boolean"),
    readOnly("IsClosed", "boolean", { label: "Closed" }),
    readOnly("IsArchived", "boolean", { label: "Archived" }),
    readOnly("CompletedDateTime", "datetime", { label: "Completed Date/Time" }),
    field("Description", "textarea"),
    picklist("Type", ["Call", "Email", "Meeting", "Other"]),
    picklist("TaskSubtype", ["Task", "Email", "ListEmail", "Cadence", "Call", "LinkedIn"], {
      restricted: true,
      updateable: false,
    }),
    picklist("CallType", ["Internal", "Inbound", "Outbound"], { restricted: true }),
    field("CallDurationInSeconds", "int", { label: "Call Duration" }),
    text("CallDisposition", 255, { label: "Call Result" }),
    text("CallObject", 255, { label: "Call Object Identifier" }),
    field("IsReminderSet", "boolean", { label: "Reminder Set" }),
    field("ReminderDateTime", "datetime", { label: "Reminder Date/Time" }),
    text(`${prefix}Call_Key__c`, 255, {
      label: "Call Key",
      externalId: true,
      unique: true,
      caseSensitive: true,
      packaged: true,
    }),
  ]);
}

function priority(): Field {
  const field = picklist("Priority", ["High", "Normal", "Low"], { ...required, restricted: true });
  for (const option of field.options) option.isDefault = option.value === "Normal";
  return field;
}
