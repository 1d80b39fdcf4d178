import { outcomes, shortAiSeconds } from "../core/call.ts";
import { contactKinds } from "../core/contact.ts";
import * as facts from "./facts.ts";
import { editDistance, nearest } from "./nearest.ts";
import * as people from "./people.ts";
import type { Path, View } from "./view.ts";
import * as words from "./words.ts";

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

/** The closed vocabulary: every path that `from`, `if` and Liquid may use, besides the `openPaths`. */
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
  "call.title": text(
    "The call in one line, e.g. Missed call from Asha Rao on +31507654321; at most 255 characters",
    words.titleOf,
  ),
  "call.story": text(
    "What happened, a line each: who answered or called on which line, how long it rang and whose phones, transfers, who else has the number",
    words.storyOf,
  ),
  "call.result": oneOf(
    facts.results,
    `How the call went for a rep, finer than the outcome: ${facts.results.join(", ")}. \`short\`: an AI call of less than ${shortAiSeconds} s`,
    facts.resultOf,
  ),
  "call.outcome": oneOf(outcomes, `How the call ended: ${outcomes.join(", ")}`, ({ call }) => call.outcome),
  "call.reason": text("The provider's own word for how the call ended", ({ call }) => call.reason),
  "call.missed": {
    type: "boolean",
    about: "True when an inbound call ended unanswered",
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
    get: (view, clocks) => facts.localStart(view, clocks)?.date,
  },
  "call.time": text(
    "The time the call began, HH:mm in the owner's time zone, else the installation's",
    (view, clocks) => facts.localStart(view, clocks)?.time,
  ),
  "call.when": text(
    "Day and time the call began in the installation's time zone, which is named: 2026-11-20 at 21:27 (Asia/Kolkata)",
    facts.whenText,
  ),
  "call.conversation.ms": number(
    "Talk time in milliseconds; absent for voicemails and unanswered calls",
    (view) => facts.conversationTime(view, 1000),
  ),
  "call.conversation.seconds": number(
    "Talk time in whole seconds; absent for voicemails and unanswered calls",
    (view) => facts.conversationTime(view, 1),
  ),
  "call.duration.ms": number("Talk time in milliseconds", (view) => facts.talkTime(view, 1000)),
  "call.duration.seconds": number("Talk time in whole seconds", (view) => facts.talkTime(view, 1)),
  "call.duration.text": text("Talk time in words, e.g. 5 min 20 s", facts.talkText),
  "call.ring.seconds": number("Ringing time in seconds", ({ call }) => call.ringSeconds),
  "call.ring.text": text(
    "How long it rang and whose phones, e.g. The phones of Asha Rao and Ben Carter rang for 30 s.",
    words.rang,
  ),
  "call.withheld": {
    type: "boolean",
    about: "True when the caller withheld the number",
    values: ["true", "false"],
    get: (view) => (view.call.customer?.number === undefined ? undefined : people.isWithheldCall(view)),
  },
  "call.sharedWith": text("The other contacts with the customer's number, by name", people.sharedWith),
  "call.customer.number": text(
    "The customer's number in E.164, or as the provider sent it when it cannot be dialled",
    facts.customerNumber,
  ),
  "call.customer.numberText": text(
    "The customer's number in groups, as people read it, e.g. +91 98765 43210; absent when it was withheld",
    people.numberText,
  ),
  "call.customer.raw": text("The customer's number exactly as sent", ({ call }) => call.customer?.number),
  "call.customer.name": text("The caller's name as the provider sent it", ({ call }) => call.customer?.name),
  "call.customer.label": text(
    "What to call the customer: name in the CRM, else name from the provider, else number in groups",
    people.customerLabel,
  ),
  "call.customer.newName": text(
    "What to call a contact that is made: the provider's name for the caller when it is one, else the number in groups",
    people.newContactName,
  ),
  "call.line": text("The company's own number that was called, or called from", ({ call }) => call.line),
  "call.from": text("The calling number: the customer's when inbound, ours when outbound", facts.fromOf),
  "call.to": text("The called number: ours when inbound, the customer's when outbound", facts.toOf),
  "call.agent.name": text("Who talked last with the customer", (view) => people.agentOf(view).name),
  "call.agent.email": text("The e-mail address of that agent", (view) => people.agentOf(view).email),
  "call.agent.id": text("The provider's id of that agent", (view) => people.agentOf(view).id),
  "call.agent.kind": oneOf(
    ["person", "ai"],
    "Whether that agent is a person or an AI",
    (view) => people.agentOf(view).kind,
  ),
  "call.agent.label": text(
    "That agent as a rep knows them, e.g. Asha Rao or AI agent Reception bot",
    people.lastAgentLabel,
  ),
  "call.recording.url": text("Switchhook's stable link to the recording", (view) => view.recordingUrl),
  "call.recording.seconds": number(
    "Length of the recording in seconds",
    ({ call }) => call.recording?.seconds,
  ),
  "call.transcript": text("The transcript, one line per turn", ({ call }) => call.transcript),
  "call.transcript.short": text("The beginning of the transcript, at most 1,500 characters", transcriptStart),
  "call.transcript.url": text(
    "Switchhook's link to the whole transcript and summary",
    (view) => view.transcriptUrl,
  ),
  "call.summary": text("The provider's summary of the conversation", ({ call }) => call.summary),
  "call.sentiment": text("The customer's mood, as the provider reports it", ({ call }) => call.sentiment),
  "call.mood": text("The customer's mood, unless the provider does not know it", moodOf),
  "call.transfer.text": text(
    "Who transferred the call to whom, and how: Asha Rao -> Cees Bakker, warm",
    people.transferText,
  ),
  "call.transfer.from": text("Who transferred the call", (view) => people.transferEnds(view).from),
  "call.transfer.toName": text(
    "Who got the call, by name, else by number",
    (view) => people.transferEnds(view).to,
  ),
  "call.transfer.kind": oneOf(
    ["warm", "cold", "unknown"],
    "How the call was transferred: warm, cold or unknown",
    ({ call }) => call.transfer?.kind,
  ),
  "call.transfer.to": text("The number the call was transferred to", ({ call }) => call.transfer?.to?.number),
  "call.followUp.dueAt": datetime(
    "When the follow-up is due: the installation's followUpDueMinutes after the call, ISO 8601 in UTC",
    facts.followUpDueAt,
  ),
  "call.followUp.dueDate": {
    type: "date",
    about: "The day the follow-up is due, YYYY-MM-DD in the owner's time zone, else the installation's",
    get: facts.followUpDueDate,
  },
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

/** The two paths that any name may follow. */
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

/** The N of `contact.fields.N`: a field that the connector has to fetch with a contact. */
export function contactFieldOf(name: string): string | undefined {
  const [, open, member] = openPattern.exec(name) ?? [];
  return open === "contact.fields" ? member : undefined;
}

/** The correction of a path that does not exist. */
export function pathCure(name: string): string {
  const names = Object.keys(paths);
  const open = Object.entries(openPaths).find(([path]) => name === path || name.startsWith(`${path}.`));
  if (open) return `Name one member, in letters, digits, _ and -, e.g. ${open[1].example}.`;
  const inside = names.filter((path) => path.startsWith(`${name}.`));
  if (inside.length > 0) return `Did you mean ${inside.join(" or ")}?`;
  const parent = name.split(".").slice(0, 2).join(".");
  const beside = names.filter((path) => path.startsWith(`${parent}.`));
  const closest = nearest(name, names);
  const openParent = nearest(parent, Object.keys(openPaths));
  if (openParent && beside.length === 0 && name.split(".").length === 3) {
    const opened = `${openParent}${name.slice(parent.length)}`;
    const isCloser = closest === undefined || editDistance(name, opened) < editDistance(name, closest);
    if (isCloser) return `Did you mean ${opened}?`;
  }
  const last = names.filter((path) => path.split(".").includes(name.split(".").at(-1) ?? ""));
  const meant = closest ?? beside[0] ?? last[0];
  return meant ? `Did you mean ${meant}?` : "docs/mappings.md lists all paths.";
}

/** A longer text would hide the rest of the timeline; all of it is behind the link. */
const shortTranscript = 1_500;

/** The customer's mood; undefined when the provider does not know it. */
function moodOf({ call: { sentiment } }: View): string | undefined {
  if (typeof sentiment !== "string" || /^(unknown|none|n\/?a|undefined|null)$/i.test(sentiment.trim()))
    return undefined;
  return sentiment;
}

/** The beginning of the transcript, cut at the end of a line or word. `User:`, the platforms' word, is the customer. */
function transcriptStart({ call: { transcript } }: View): string | undefined {
  if (typeof transcript !== "string") return undefined;
  const text = transcript
    .slice(0, shortTranscript * 4)
    .replace(/^User:/gm, "Customer:")
    .trim();
  if (text.length <= shortTranscript) return text;
  const start = text.slice(0, shortTranscript);
  const line = start.lastIndexOf("\n");
  const end = line > shortTranscript / 2 ? line : start.lastIndexOf(" ");
  return `${start
    .slice(0, end > shortTranscript / 2 ? end : shortTranscript)
    .toWellFormed()
    .trim()}…`;
}
