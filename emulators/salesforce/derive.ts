import type { Row, Value } from "./field.ts";
import type { ObjectType } from "./objects.ts";
import { type Org, stampOf } from "./org.ts";

/** The record with the fields that Salesforce works out by itself. */
export function derive(org: Org, type: ObjectType, row: Row): Row {
  if (type.name === "Task") return deriveTask(org, type, row);
  const isPerson = type.fields.some(({ name }) => name === "LastName") && row["LastName"] != null;
  if (!isPerson) return row;
  const name = [row["FirstName"], row["LastName"]].filter((part) => part != null).join(" ");
  return { ...row, Name: name };
}

function deriveTask(org: Org, type: ObjectType, row: Row): Row {
  const status = type.fields.find(({ name }) => name === "Status")?.options;
  const isClosed = status?.some(({ value, closed }) => closed === true && value === row["Status"]) ?? false;
  return {
    ...row,
    AccountId: accountOf(org, row["WhatId"]) ?? accountOf(org, row["WhoId"]) ?? null,
    IsClosed: isClosed,
    IsHighPriority: row["Priority"] === "High",
    CompletedDateTime: isClosed ? (row["CompletedDateTime"] ?? stampOf(org.now())) : null,
    TaskSubtype: row["TaskSubtype"] ?? "Task",
  };
}

function accountOf(org: Org, id: Value | undefined): Value | undefined {
  if (typeof id !== "string") return undefined;
  const found = org.record(id);
  return found?.type.name === "Account" ? id : found?.row["AccountId"];
}
