import { outcomes } from "../core/call.ts";
import { contactKinds } from "../core/contact.ts";
import * as facts from "./facts.ts";
import { nearest } from "./nearest.ts";
import type { View } from "./view.ts";

/** `any`: a member with an open name; nobody knows its type before the call. */
export type PathType = "string" | "number" | "boolean" | "datetime" | "date" | "any";

/** A fact that a mapping may name. `values`: all that it can be, when that is a closed list. */
export type Path = {
  type: PathType;
  about: string;
  values?: readonly string[];
  get(view: View): unknown;
};

type Get = Path["get"];
const text = (about: string, get: Get): Path => ({ type: "string", about, get });
const oneOf = (values: readonly string[], about: string, get: Get): Path => ({
  type: "string",
  about,
  values,
  get,
});
const number = (about: string, get: Get): Path => ({ type: "number", about, get });
const datetime = (about: string, get: Get): Path => ({ type: "datetime", about, get });

/** The closed vocabulary: every word that `from`, `if` and Liquid may use, besides the `openPaths`. */
export const paths: Readonly<Record<string, Path>> = {
  "call.key": text("Switchhook's key of the call, stable for ever", ({ call }) => call.key),
  "call.id": text("The provider's id of the call", ({ call }) => call.callId),
  "call.provider": text("exotel, retell, bird or voys", ({ call }) => call.provider),
  "call.direction": oneOf(
    ["inbound", "outbound", "internal"],
    "Seen from the company: inbound, outbound or internal",
    ({ call }) => call.direction,
  ),
  "call.kind": text(
    "The sort of call in words: Inbound call, Missed call, Voicemail, Outbound call, Unanswered call, Internal call",
    facts.kindOfCall,
  ),
  "call.outcome": oneOf(outcomes, `How the call ended: ${outcomes.join(", ")}`, ({ call }) => call.outcome),
  "call.reason": text("The provider's own word for how the call ended", ({ call }) => call.reason),
  "call.missed": {
    type: "boolean",
    about: "True when an inbound call ended and nobody took it",
    values: ["true", "false"],
    get: facts.wasMissed,
  },
  "call.phase": oneOf(
    ["ringing", "answered", "ended"],
    "How far the call is: ringing, answered or ended",
    ({ call }) => call.phase,
  ),
  "call.startedAt": datetime("When the call began, ISO 8601 in UTC; the earliest time known", facts.startOf),
  "call.startedAt.ms": number("When the call began, in milliseconds since 1970", (view) =>
    facts.msOf(facts.startOf(view)),
  ),
  "call.answeredAt": datetime("When it was first answered, ISO 8601 in UTC", ({ call }) => call.answeredAt),
  "call.endedAt": datetime("When the call ended, ISO 8601 in UTC", ({ call }) => call.endedAt),
  "call.endedAt.ms": number("When the call ended, in milliseconds since 1970", ({ call }) =>
    facts.msOf(call.endedAt),
  ),
  "call.date": {
    type: "date",
    about: "The day the call began, YYYY-MM-DD in the owner's time zone, else the installation's",
    get: (view) => facts.localStart(view)?.date,
  },
  "call.time": text(
    "The time the call began, HH:mm in the owner's time zone, else the installation's",
    (view) => {
      return facts.localStart(view)?.time;
    },
  ),
  "call.duration.ms": number("Talk time in milliseconds", (view) => facts.talkTime(view, 1000)),
  "call.duration.seconds": number("Talk time in whole seconds", (view) => facts.talkTime(view, 1)),
  "call.duration.text": text("Talk time in words, e.g. 5 min 20 s", facts.talkText),
  "call.ring.seconds": number("Ringing time in seconds", ({ call }) => call.ringSeconds),
  "call.customer.number": text(
    "The customer's number in E.164, or as the provider sent it when it cannot be dialled",
    facts.customerNumber,
  ),
  "call.customer.raw": text("The customer's number exactly as sent", ({ call }) => call.customer?.number),
  "call.customer.name": text("The caller's name as the provider sent it", ({ call }) => call.customer?.name),
  "call.customer.label": text(
    "What to call the customer: name in the CRM, else name from the provider, else number",
    facts.customerLabel,
  ),
  "call.line": text("The company's own number that was called, or called from", ({ call }) => call.line),
  "call.from": text("The calling number: the customer's when inbound, ours when outbound", facts.fromOf),
  "call.to": text("The called number: ours when inbound, the customer's when outbound", facts.toOf),
  "call.agent.name": text("Who talked last with the customer", (view) => facts.agentOf(view).name),
  "call.agent.email": text("The e-mail address of that agent", (view) => facts.agentOf(view).email),
  "call.agent.id": text("The provider's id of that agent", (view) => facts.agentOf(view).id),
  "call.recording.url": text("Switchhook's stable link to the recording", (view) => view.recordingUrl),
  "call.recording.seconds": number(
    "Length of the recording in seconds",
    ({ call }) => call.recording?.seconds,
  ),
  "call.transcript": text("The transcript, one line per turn", ({ call }) => call.transcript),
  "call.transcript.url": text(
    "Switchhook's link to the whole transcript and summary",
    (view) => view.transcriptUrl,
  ),
  "call.summary": text("The provider's summary of the conversation", ({ call }) => call.summary),
  "call.sentiment": text("The customer's mood as the provider heard it", ({ call }) => call.sentiment),
  "call.transfer.kind": oneOf(
    ["warm", "cold", "unknown"],
    "How the call was transferred: warm, cold or unknown",
    ({ call }) => call.transfer?.kind,
  ),
  "call.transfer.to": text("The number the call was transferred to", ({ call }) => call.transfer?.to?.number),
  "contact.id": text("The CRM's id of the contact", ({ contact }) => contact?.id),
  "contact.kind": oneOf(contactKinds, "contact, lead or company", ({ contact }) => contact?.kind),
  "contact.name": text("The contact's full name", ({ contact }) => contact?.name),
  "contact.firstName": text("The first word of a person's name", facts.firstName),
  "contact.email": text("The contact's e-mail address", ({ contact }) => contact?.email),
  "contact.company": text("The company the contact works for", ({ contact }) => contact?.company),
  "owner.id": text("The CRM's id of the owner", ({ owner }) => owner?.id),
  "owner.name": text("The owner's name", ({ owner }) => owner?.name),
  "owner.email": text("The owner's e-mail address", ({ owner }) => owner?.email),
  "installation.name": text("The name of the installation", ({ installation }) => installation.name),
  "installation.region": text("Its country for national numbers, e.g. IN", ({ installation }) => {
    return installation.region;
  }),
  "installation.timeZone": text("Its time zone, e.g. Asia/Kolkata", ({ installation }) => {
    return installation.timeZone;
  }),
};

/** The two places where any name may follow. */
export const openPaths = {
  "call.custom": {
    about: "A fact that only this provider, AI agent or installation knows",
    example: "call.custom.order_id",
    get: ({ call }: View, name: string) => facts.memberOf(call.custom, name),
  },
  "contact.fields": {
    about: "Any other field of the contact in the CRM, by the CRM's own name",
    example: "contact.fields.lifecycle",
    get: ({ contact }: View, name: string) => facts.memberOf(contact?.fields, name),
  },
} as const;

const openPattern = /^(call\.custom|contact\.fields)\.([\w-]{1,100})$/;

export function findPath(name: string): Path | undefined {
  if (Object.hasOwn(paths, name)) return paths[name];
  const [, open, member] = openPattern.exec(name) ?? [];
  if (!member) return undefined;
  const { about, get } = openPaths[open as keyof typeof openPaths];
  return { type: "any", about, get: (view) => get(view, member) };
}

/** The N of `contact.fields.N`: what a connector has to fetch with a contact. */
export function contactFieldOf(name: string): string | undefined {
  const [, open, member] = openPattern.exec(name) ?? [];
  return open === "contact.fields" ? member : undefined;
}

/** What to do about a path that does not exist. */
export function pathCure(name: string): string {
  const names = Object.keys(paths);
  const open = Object.entries(openPaths).find(([path]) => name === path || name.startsWith(`${path}.`));
  if (open) return `Name one member, in letters, digits, _ and -, e.g. ${open[1].example}.`;
  const inside = names.filter((path) => path.startsWith(`${name}.`));
  if (inside.length > 0) return `Did you mean ${inside.join(" or ")}?`;
  const parent = name.split(".").slice(0, 2).join(".");
  const openParent = nearest(parent, Object.keys(openPaths));
  if (openParent && name.split(".").length === 3)
    return `Did you mean ${openParent}${name.slice(parent.length)}?`;
  const beside = names.filter((path) => path.startsWith(`${parent}.`));
  const last = names.filter((path) => path.split(".").includes(name.split(".").at(-1) ?? ""));
  const meant = nearest(name, names) ?? beside[0] ?? last[0];
  return meant ? `Did you mean ${meant}?` : "docs/mappings.md lists all paths.";
}
