import { isAiCall, type Result, resultOf } from "./facts.ts";
import {
  agentsWhoRang,
  agentsWhoTalked,
  customerInTitle,
  firstAgentLabel,
  firstAgentName,
  listText,
  sharedWith,
  transferEnds,
  transferText,
} from "./people.ts";
import type { View } from "./view.ts";

const unansweredInWords: Readonly<Partial<Record<Result, string>>> = {
  "no-answer": "no answer",
  busy: "busy",
  declined: "declined",
  "hung-up": "hung up before anyone answered",
  "voicemail-answered": "voicemail answered",
  abandoned: "no answer",
  failed: "failed",
};

/** The call in one line, e.g. `Missed call from Rohan Mehta on +31507654321`. */
export function titleOf(view: View): string {
  const { direction } = view.call;
  if (direction === "internal") return `Internal call${named(view, "from")}`;
  if (direction === "outbound") return outboundTitle(view);
  return direction === "inbound" ? inboundTitle(view) : `Call${named(view, "with")}`;
}

function inboundTitle(view: View): string {
  const result = resultOf(view);
  const from = named(view, "from");
  if (result === "voicemail-received") return `Voicemail${from}${onLine(view)}`;
  if (result === "short") return `Short AI call${from}${lasted(view)}`;
  if (result === undefined || result === "unknown" || result === "connected") {
    if (isAiCall(view)) return `AI call${from}${transferred(view)}`;
    const agent = result === "connected" && isAnswerTold(view) ? cut(firstAgentName(view)) : undefined;
    return `Inbound call${from}${agent ? ` · answered by ${agent}` : ""}${transferred(view)}`;
  }
  return `Missed call${from}${onLine(view)}${result === "busy" ? " · busy" : ""}`;
}

function outboundTitle(view: View): string {
  const result = resultOf(view);
  const to = named(view, "to");
  const isAi = isAiCall(view);
  if (result === "voicemail-left") return `${isAi ? "AI voicemail" : "Voicemail"} left${named(view, "for")}`;
  if (result === "short") return `Short AI call${to}${lasted(view)}`;
  const unanswered = result && unansweredInWords[result];
  if (unanswered) return `${isAi ? "AI call" : "Call"}${to} · ${unanswered}`;
  if (isAi) return `AI call${to}${transferred(view)}`;
  const agent = result === "connected" ? cut(firstAgentName(view)) : undefined;
  return `Outbound call${to}${agent ? ` · made by ${agent}` : ""}${transferred(view)}`;
}

/** What happened, one or two sentences per line, without what has a field of its own. */
export function storyOf(view: View): string | undefined {
  const transfer = transferText(view);
  const shared = sharedWith(view);
  const lines = [
    ...(view.call.direction === "outbound" ? outboundStory(view) : inboundStory(view)),
    transfer && `Transferred: ${transfer}.`,
    shared && `This number also belongs to ${shared}.`,
    resultOf(view) === "connected" && talked(view) === undefined && "The provider did not send a duration.",
  ];
  return lines.filter(Boolean).join("\n") || undefined;
}

const endUnknown = "The provider does not say how the call ended.";

const inboundEnds: Readonly<Partial<Record<Result, string>>> = {
  busy: "All lines were busy.",
  declined: "The call was declined.",
  "hung-up": "The caller hung up before anyone answered.",
  abandoned: "The caller hung up while waiting.",
  failed: "The call could not be connected.",
  unknown: endUnknown,
};

function inboundStory(view: View): (string | undefined)[] {
  const { direction, line } = view.call;
  if (direction !== "inbound") return [];
  const result = resultOf(view);
  const on = textOf(line) ? ` on ${line}` : "";
  const called = on ? `Called ${line}.` : undefined;
  if (result === "connected" && !isAnswerTold(view))
    return [sentences(called, "The provider does not say who answered."), rang(view)];
  if (result === "connected" || result === "short") {
    const ring = ringSeconds(view);
    const agent = firstAgentLabel(view);
    if (!agent && !on) return [];
    return [`${agent ? `${agent} answered` : "Answered"}${on}${ring ? ` after ${ring} s of ringing` : ""}.`];
  }
  if (result === "voicemail-received") {
    const { recording, transcript } = view.call;
    const what = recording || transcript ? "left a voicemail" : "reached voicemail";
    return [sentences(called, `The caller ${what}.`), rang(view)];
  }
  if (result === "no-answer") return [`Nobody answered${on}.`, rang(view)];
  const rings = rang(view);
  const end = result === "busy" && rings ? "The line was busy." : result && inboundEnds[result];
  return end ? [sentences(called, end), rings] : [called];
}

const outboundEnds: Readonly<Partial<Record<Result, string>>> = {
  "no-answer": "There was no answer.",
  abandoned: "There was no answer.",
  busy: "The number was busy.",
  declined: "The customer declined the call.",
  "hung-up": "The call was ended before anyone answered.",
  failed: "The call could not be connected.",
  "voicemail-left": "The call went to voicemail.",
  "voicemail-answered": "The call went to voicemail.",
  unknown: endUnknown,
};

function outboundStory(view: View): (string | undefined)[] {
  const { line } = view.call;
  const result = resultOf(view);
  const ring = ringSeconds(view);
  const agent = firstAgentLabel(view);
  const from = textOf(line) ? ` from ${line}` : "";
  const made = agent || from ? `${agent ? `${agent} called` : "Called"}${from}.` : undefined;
  const answered = result === "connected" && ring ? `Answered after ${ring} s of ringing.` : undefined;
  const unanswered =
    result === "no-answer" && ring ? `There was no answer after ${ring} s of ringing.` : undefined;
  return [sentences(made, answered ?? unanswered ?? (result && outboundEnds[result]))];
}

/** `The phones of Asha Rao and Ben Carter rang for 30 s.` */
export function rang(view: View): string | undefined {
  const ring = ringSeconds(view);
  const agents = agentsWhoRang(view);
  if (!ring && agents.length === 0) return undefined;
  return `${phonesOf(agents)} rang${ring ? ` for ${ring} s` : ""}.`;
}

function phonesOf(agents: readonly string[]): string {
  const [first = "It"] = agents;
  if (agents.length > 1) return `The phones of ${listText(agents)}`;
  if (first.startsWith("extension ")) return `E${first.slice(1)}`;
  return /\p{L}/u.test(first) && agents.length > 0 ? `${first}'s phone` : first;
}

/** A call that is only reported as `completed` need not have been answered. */
function isAnswerTold(view: View): boolean {
  const { answeredAt, transcript } = view.call;
  return Boolean(answeredAt || transcript || talked(view) || agentsWhoTalked(view).length > 0);
}

function ringSeconds({ call: { ringSeconds } }: View): number | undefined {
  const isTime = typeof ringSeconds === "number" && ringSeconds > 0 && ringSeconds < 86_400;
  return isTime ? Math.round(ringSeconds) : undefined;
}

function talked({ call: { talkSeconds } }: View): number | undefined {
  return typeof talkSeconds === "number" && talkSeconds >= 0 ? Math.round(talkSeconds) : undefined;
}

function lasted(view: View): string {
  const seconds = talked(view);
  return seconds === undefined ? "" : ` (${seconds} s)`;
}

function transferred(view: View): string {
  const to = cut(transferEnds(view).to);
  return to ? ` · transferred to ${to}` : "";
}

function named(view: View, word: "from" | "to" | "for" | "with"): string {
  const customer = customerInTitle(view);
  return customer ? ` ${word} ${customer}` : "";
}

function onLine({ call: { line } }: View): string {
  return textOf(line) ? ` on ${cut(line)}` : "";
}

function sentences(...parts: (string | undefined)[]): string | undefined {
  return parts.filter(Boolean).join(" ") || undefined;
}

function cut(text: string | undefined): string | undefined {
  return text !== undefined && text.length > 60 ? `${text.slice(0, 59).toWellFormed()}…` : text;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
