import { chosenByPerson, type FollowUpState, type RecordingState } from "../../core/tracked-call.ts";
import type { AnswerGiven, Explanation, FollowUpTold } from "./explanation.ts";

type RecordingOf = NonNullable<Explanation["call"]["recording"]>;

type TextLine = [label: string, text: string];

/** An explanation for a person in a terminal: one fact per line, labels aligned. */
export function explainText(explanation: Explanation): string {
  const lines = [...callLines(explanation), ...peopleLines(explanation), ...courseLines(explanation)];
  return `${lines.map(([label, text]) => `${label.padEnd(10)} ${printable(text)}`.trimEnd()).join("\n")}\n`;
}

function callLines({ key, status, nextTryAt, attempts, call, merged, mergedInto }: Explanation): TextLine[] {
  const { direction, provider, phase, outcome, startedAt, talkSeconds, line } = call;
  const what = [
    `${direction ?? "a"} ${provider} call`,
    outcome ?? phase,
    startedAt && `started ${startedAt}`,
  ];
  const talked = talkSeconds !== undefined && `${talkSeconds} s of talk`;
  const tries = attempts > 0 && `tried ${attempts} time${attempts === 1 ? "" : "s"}`;
  return [
    ["Call", key],
    ["", [...what, talked, line && `on line ${line}`].filter(Boolean).join(", ")],
    ["Status", [status, tries, nextTryAt && `next try ${nextTryAt}`].filter(Boolean).join(", ")],
    ...merged.map(
      ({ key: leg, activityId }): TextLine => [
        "Merged",
        `${leg} is the same call${activityId === undefined ? "" : `; its activity ${activityId} is taken back`}`,
      ],
    ),
    ...(mergedInto ? [["See", mergedInto] satisfies TextLine] : []),
    ...(call.recording ? [["Recording", recordingText(call.recording)] satisfies TextLine] : []),
  ];
}

const recordings: Readonly<Record<RecordingState, string>> = {
  wanted: "looked for, not there yet",
  there: "plays from the provider",
  kept: "a copy is archived",
  missing: "it did not come",
  expired: "its copy has expired",
  deleted: "deleted",
  erase: "being erased",
};

function recordingText({
  state,
  reason,
  playableAt,
  nextLookAt,
  keptUntil,
  bytes,
  seconds,
}: RecordingOf): string {
  const parts = [
    state ? recordings[state] : "a link of ours plays it",
    reason,
    seconds !== undefined && `${seconds} s`,
    bytes !== undefined && `${bytes} bytes`,
    playableAt && `since ${playableAt}`,
    keptUntil && `until ${keptUntil}`,
    nextLookAt && `next look ${nextLookAt}`,
  ];
  return parts.filter(Boolean).join(", ");
}

const lookups: Readonly<Record<string, string>> = {
  index: "found in the contact index",
  crm: "looked up in the CRM",
  [chosenByPerson]: "decided by a person",
};

const followUps: Readonly<Record<FollowUpState, string>> = {
  wanted: "sent to the CRM, no answer yet",
  open: "open",
  closed: "closed",
  left: "left open",
  refused: "refused by the CRM",
};

function followUpText({ state, taskId, reason, reachedBy }: FollowUpTold): string {
  const task = taskId === undefined ? "task" : `task ${taskId}`;
  const why = reason ?? (reachedBy && `the customer was reached in ${reachedBy}`);
  return `${task}: ${followUps[state]}${why ? `, ${why}` : ""}`;
}

function peopleLines({ contact, call, owner, agent, answer, followUp }: Explanation): TextLine[] {
  const { number, lookup, reason, chosen, runnersUp } = contact;
  const raw = call.customer?.number;
  const sent = number && raw && raw !== number ? ` (sent as ${raw})` : "";
  const named = call.customer?.name ? `, says ${call.provider}: ${call.customer.name}` : "";
  const why = [lookups[lookup] ?? lookup, reason].filter(Boolean).join(": ");
  const ownedBy = owner && (owner.id ? [owner.name, `(${owner.id})`].filter(Boolean).join(" ") : "none");
  return [
    ["Customer", `${number ?? raw ?? "no number"}${sent}${named}`],
    ["Contact", `${chosen ? `${chosen.name ?? "no name"} (${chosen.kind} ${chosen.id})` : "none"}: ${why}`],
    ...runnersUp.map(({ id, kind, name }): TextLine => ["", `not ${name ?? "no name"} (${kind} ${id})`]),
    ...(owner ? [["Owner", `${ownedBy}: ${owner.why}`] satisfies TextLine] : []),
    ...(agent && !owner?.why.includes(agent)
      ? [["Agent", `${agent} took part in the conversation`] satisfies TextLine]
      : []),
    ...(followUp ? [["Follow-up", followUpText(followUp)] satisfies TextLine] : []),
    ...(answer ? answerLines(answer) : []),
  ];
}

function answerLines(given: AnswerGiven): TextLine[] {
  const { at, agentId, reject, why, lookup, foundBy, variables, limited = [] } = given;
  const did = reject
    ? "was told to reject the call"
    : `was given to ${agentId ?? "the agent bound to the number"}`;
  const names = Object.keys(variables);
  return [
    ["AI agent", `${at} the call ${did}: ${why}`],
    ["", `contact from ${lookup}; the question is known by ${foundBy}`],
    ...(names.length > 0 ? [["", `variables: ${names.join(", ")}`] satisfies TextLine] : []),
    ...limited.map((text): TextLine => ["", `without ${text}`]),
  ];
}

function courseLines({ events, limited, deliveries, history }: Explanation): TextLine[] {
  const lines = events.map(({ at, kind, phase, sameCallAs, asked, deliveries: from }): TextLine => {
    const origin = from.length > 0 ? `delivery ${from.join(" or ")}` : "its delivery was purged";
    return [
      "",
      [`${at} ${kind}`, phase, sameCallAs && `joins ${sameCallAs}`, asked && "not from a webhook", origin]
        .filter(Boolean)
        .join(", "),
    ];
  });
  if (limited) lines.push(["", limited]);
  const came = deliveries.map(({ id, receivedAt, kind, repeats, fault }): TextLine => {
    const again = repeats > 0 && `sent ${repeats + 1} times`;
    return ["", [`${receivedAt} delivery ${id}`, kind, again, fault].filter(Boolean).join(", ")];
  });
  const sent = history.map(({ at, step, detail }): TextLine => ["", `${at} ${step}${detailText(detail)}`]);
  return [...headed("Events", lines), ...headed("Received", came), ...headed("CRM", sent)];
}

function headed(label: string, lines: readonly TextLine[]): TextLine[] {
  return lines.map(([, text], i) => [i === 0 ? label : "", text]);
}

const detailNames: Readonly<Record<string, string>> = { noFollowUp: "no follow-up:" };

/** `wrote` and `kept` as names of fields, everything else unchanged. */
function detailText(detail: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(detail).map(([key, value]) => {
    const name = detailNames[key] ?? key;
    if (Array.isArray(value)) return `${name} ${value.join(", ")}`;
    if (typeof value !== "object" || value === null) return `${name} ${value}`;
    return `${name} ${Object.keys(value).join(", ") || "nothing"}`;
  });
  return parts.length > 0 ? `: ${parts.join("; ")}` : "";
}

/** What a caller calls themselves must not move the cursor of a terminal or turn its text around. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu, " ");
}
