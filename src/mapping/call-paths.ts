import { outcomes } from "../core/call.ts";
import { shortAiSeconds } from "../core/reached.ts";
import * as customer from "./customer.ts";
import * as facts from "./facts.ts";
import { datetime, number, oneOf, type Path, text } from "./path.ts";
import * as people from "./people.ts";
import { resultOf, results } from "./result.ts";
import type { View } from "./view.ts";
import * as words from "./words.ts";

/** The facts about the call that a mapping may name. */
export const callPaths: Readonly<Record<string, Path>> = {
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
    results,
    `How the call went for a rep, finer than the outcome: ${results.join(", ")}. \`short\`: an AI call of less than ${shortAiSeconds} s`,
    resultOf,
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
    get: (view) => (view.call.customer?.number === undefined ? undefined : customer.isWithheldCall(view)),
  },
  "call.sharedWith": text("The other contacts with the customer's number, by name", customer.sharedWith),
  "call.customer.number": text(
    "The customer's number in E.164, or as the provider sent it when it cannot be dialled",
    facts.customerNumber,
  ),
  "call.customer.numberText": text(
    "The customer's number in groups, as people read it, e.g. +91 98765 43210; absent when it was withheld",
    customer.numberText,
  ),
  "call.customer.raw": text("The customer's number exactly as sent", ({ call }) => call.customer?.number),
  "call.customer.name": text("The caller's name as the provider sent it", ({ call }) => call.customer?.name),
  "call.customer.label": text(
    "What to call the customer: name in the CRM, else name from the provider, else number in groups",
    customer.customerLabel,
  ),
  "call.customer.newName": text(
    "What to call a contact that is made: the provider's name for the caller when it is one, else the number in groups",
    customer.newContactName,
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
};

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
