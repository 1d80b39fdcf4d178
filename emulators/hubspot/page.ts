import type { Page, PageEntry } from "../contract.ts";
import type { Portal } from "./portal.ts";
import { dispositions } from "./seed.ts";
import type { ObjectType, Values } from "./types.ts";

type Activity = { contactIds: string[]; entry: PageEntry };

/** The portal as a rep sees it: every contact with its calls and tasks. */
export function portalPage(portal: Portal): Page {
  const timelines = new Map<string, PageEntry[]>();
  const loose: PageEntry[] = [];
  for (const { contactIds, entry } of [...activities(portal, "calls"), ...activities(portal, "tasks")]) {
    if (contactIds.length === 0) loose.push(entry);
    for (const id of contactIds) {
      const timeline = timelines.get(id) ?? [];
      timelines.set(id, timeline);
      timeline.push(entry);
    }
  }
  const contacts = [...timelines].flatMap(([id, timeline]) => {
    const contact = portal.records.contacts.current(id);
    return contact ? [{ ...describe(portal, id, contact.values), timeline }] : [];
  });
  return { title: `HubSpot portal ${portal.portalId} (emulated)`, contacts, loose };
}

function describe(portal: Portal, id: string, values: Values): { name: string; detail: string } {
  const name = [values["firstname"], values["lastname"]].filter(Boolean).join(" ");
  const owner = ownerName(portal, values);
  const detail = [
    values["company"],
    values["phone"],
    values["mobilephone"],
    values["email"],
    owner && `owner ${owner}`,
  ];
  return {
    name: name || values["email"] || `Contact ${id}`,
    detail: detail.filter(Boolean).join(" · "),
  };
}

function activities(portal: Portal, type: "calls" | "tasks"): Activity[] {
  return [...portal.records[type].stored.values()]
    .filter((record) => record.archivedAt === undefined)
    .map((record) => ({
      contactIds: [...portal.links.of(type, record.id, "contacts").keys()],
      entry: type === "calls" ? callEntry(portal, record.values) : taskEntry(portal, record.values),
    }));
}

function callEntry(portal: Portal, values: Values): PageEntry {
  const { hs_call_disposition: disposition = "", hs_call_status: status } = values;
  const outcome = (dispositions as Record<string, string>)[disposition] ?? status;
  const duration = spoken(values["hs_call_duration"]);
  const url = values["hs_call_recording_url"];
  return {
    ...common(portal, values),
    kind: "call",
    title: values["hs_call_title"] ?? "Call",
    facts: [values["hs_call_direction"], outcome, duration].filter((fact) => fact !== undefined),
    text: plainText(values["hs_call_body"]),
    ...(url ? { link: { href: url, label: "Recording" } } : {}),
  };
}

function taskEntry(portal: Portal, values: Values): PageEntry {
  return {
    ...common(portal, values),
    kind: "task",
    title: `Task: ${values["hs_task_subject"] ?? ""}`,
    facts: [values["hs_task_status"], values["hs_task_priority"]].filter((fact) => fact !== undefined),
    text: plainText(values["hs_task_body"]),
  };
}

function common(portal: Portal, values: Values): { at: number; owner?: string } {
  const owner = ownerName(portal, values);
  return { at: Date.parse(values["hs_timestamp"] ?? "") || 0, ...(owner ? { owner } : {}) };
}

function ownerName(portal: Portal, values: Values): string | undefined {
  const owner = portal.owners.get(values["hubspot_owner_id"] ?? "");
  return owner && (`${owner.firstName} ${owner.lastName}`.trim() || owner.email);
}

/** `4:05` of milliseconds. */
function spoken(milliseconds: string | undefined): string | undefined {
  if (milliseconds === undefined) return undefined;
  const seconds = Math.round(Number(milliseconds) / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function plainText(html = ""): string {
  return html
    .replace(/<a [^>]*href="([^"]*)"[^>]*>([^<]*)<\/a>/gi, "$2: $1")
    .replace(/<br[^>]*>\n?|<\/p>/gi, "\n")
    .replace(/<[^>]+>/g, "")
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&#39;/g, "'")
    .replace(/&quot;/g, '"')
    .replace(/&amp;/g, "&");
}

export function countRecords(portal: Portal, types: readonly ObjectType[]): Record<string, number> {
  return Object.fromEntries(types.map((type) => [type, liveCount(portal, type)]));
}

function liveCount(portal: Portal, type: ObjectType): number {
  const { stored, generated } = portal.records[type];
  let count = generated?.count ?? 0;
  for (const { id, archivedAt } of stored.values()) {
    const wasGenerated = generated !== undefined && Number(id) < generated.first + generated.count;
    if (wasGenerated) count -= 1;
    if (archivedAt === undefined) count += 1;
  }
  return count;
}
