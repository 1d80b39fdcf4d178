import type { Page, PageEntry } from "../server.ts";
import type { Row, Value } from "./field.ts";
import type { Org } from "./org.ts";

const most = 100;

/** The people with the newest Tasks. */
export function pageOf(org: Org): Page {
  const timelines = new Map<string, PageEntry[]>();
  const loose: PageEntry[] = [];
  for (const task of [...org.table("Task").stored()].reverse()) {
    if (task["IsDeleted"] === true) continue;
    const id = task["WhoId"] ?? task["WhatId"];
    if (typeof id !== "string") {
      if (loose.length < most) loose.push(entryOf(org, task));
    } else if (timelines.has(id) || timelines.size < most) {
      timelines.set(id, [...(timelines.get(id) ?? []), entryOf(org, task)]);
    }
  }
  return {
    title: "Salesforce emulator",
    contacts: [...timelines].map(([id, timeline]) => ({ ...headOf(org, id), timeline })),
    loose,
  };
}

function headOf(org: Org, id: string): { name: string; detail?: string } {
  const found = org.record(id);
  if (!found) return { name: id };
  const { type, row } = found;
  const numbers = [row["Phone"], row["MobilePhone"]].filter((value) => typeof value === "string");
  const details = [type.name, ...textOf(row["Company"]), ...accountOf(org, row), ...numbers];
  return { name: String(row["Name"] ?? id), detail: details.join(" · ") };
}

function entryOf(org: Org, task: Row): PageEntry {
  const isCall = task["TaskSubtype"] === "Call";
  const text = textOf(task["Description"])[0];
  const links = text?.match(/https?:\/\/[^\s<>"]+/g) ?? [];
  const href = links.find((link) => /\.(mp3|wav)$/i.test(link)) ?? linkIn(org, task);
  const seconds = task["CallDurationInSeconds"];
  const facts = [
    ...(isCall
      ? []
      : [...textOf(task["Status"]), ...textOf(task["ActivityDate"]).map((day) => `due ${day}`)]),
    ...textOf(task["CallType"]),
    ...textOf(task["CallDisposition"]),
    ...(typeof seconds === "number" ? [`${Math.floor(seconds / 60)} min ${seconds % 60} s`] : []),
  ];
  return {
    at: (isCall ? toldTime(text) : undefined) ?? Date.parse(String(task["CreatedDate"])),
    kind: isCall ? "call" : "task",
    title: String(task["Subject"] ?? (isCall ? "Call" : "Task")),
    ...ownerOf(org, task),
    facts,
    ...(text ? { text } : {}),
    ...(href ? { link: { href, label: "Recording" } } : {}),
  };
}

/** A Task has no time of its own; the text of a call begins with it: `2026-11-20 at 11:00 (Europe/Amsterdam)`. */
export function toldTime(text = ""): number | undefined {
  const [, day, time, zone] = /\b(\d{4}-\d\d-\d\d) at (\d\d:\d\d) \(([\w/+-]+)\)/.exec(text) ?? [];
  if (!day || !time || !zone) return undefined;
  const asUtc = Date.parse(`${day}T${time}:00Z`);
  // `sv-SE` writes a date as ISO 8601 does.
  const there = new Date(asUtc).toLocaleString("sv-SE", { timeZone: zone });
  return asUtc - (Date.parse(`${there.replace(" ", "T")}Z`) - asUtc);
}

/** A custom field that holds an address. */
function linkIn(org: Org, task: Row): string | undefined {
  const custom = org.type("Task")?.fields.filter(({ name }) => name.endsWith("__c")) ?? [];
  const values = custom.map(({ name }) => String(task[name] ?? ""));
  return values.find((value) => /^https?:\/\//.test(value));
}

function ownerOf(org: Org, task: Row): { owner?: string } {
  const owner = task["OwnerId"];
  const name = typeof owner === "string" ? org.record(owner)?.row["Name"] : undefined;
  return typeof name === "string" ? { owner: name } : {};
}

function accountOf(org: Org, row: Row): string[] {
  const id = row["AccountId"];
  return typeof id === "string" ? textOf(org.record(id)?.row["Name"]) : [];
}

function textOf(value: Value | undefined): string[] {
  return typeof value === "string" && value !== "" ? [value] : [];
}
