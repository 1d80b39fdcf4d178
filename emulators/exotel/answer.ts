import { toExotelTime } from "../../src/providers/exotel/values.ts";
import type { PlacedCall } from "./calls.ts";

/** How long after a call its Duration, Price, EndTime and Details are not there yet. */
const settleMs = 120_000;
const zeroTime = toExotelTime(0);

export type AnswerOptions = {
  accountSid: string;
  now: number;
  details: boolean;
  recordingUrl: (sid: string) => string;
  preSignedUrl: (sid: string) => string;
};

export function isOver({ endedAt }: PlacedCall, now: number): boolean {
  return now >= endedAt;
}

/**
 * A call as Call Details and the bulk list write it. unverified: what a call in progress says, that DateUpdated moves
 * when the figures settle, and that a leg in Details has its Insights, as in a StatusCallback.
 */
export function answerOf(placed: PlacedCall, options: AnswerOptions): Record<string, unknown> {
  const { call, startedAt, endedAt, recordedAt } = placed;
  const { accountSid, now, details } = options;
  const over = isOver(placed, now);
  const settled = now >= endedAt + settleMs;
  const inbound = call.direction === "inbound";
  const agent = `sip:${call.agent}@app.exotel.com`;
  const recorded = over && recordedAt !== undefined;
  const changedAt = settled ? endedAt + settleMs : Math.min(now, endedAt);
  return {
    Sid: call.id,
    ParentCallSid: null,
    DateCreated: toExotelTime(startedAt),
    DateUpdated: toExotelTime(changedAt),
    AccountSid: accountSid,
    To: inbound ? agent : call.customer,
    From: inbound ? call.customer : agent,
    PhoneNumberSid: call.line,
    PhoneNumber: call.line,
    Status: statusOf(placed, now),
    StartTime: toExotelTime(startedAt),
    EndTime: settled ? toExotelTime(endedAt) : zeroTime,
    Duration: settled ? String((endedAt - startedAt) / 1000) : null,
    Price: settled ? "1.500" : null,
    Direction: inbound ? "inbound" : "outbound-api",
    AnsweredBy: null,
    ForwardedFrom: null,
    CallerName: null,
    Uri: `/v1/Accounts/${accountSid}/Calls/${call.id}.json`,
    RecordingUrl: recorded ? options.recordingUrl(call.id) : null,
    ...(recorded && now >= recordedAt && { PreSignedRecordingUrl: options.preSignedUrl(call.id) }),
    ...(details && { Details: detailsOf(placed, now, settled) }),
  };
}

function statusOf(placed: PlacedCall, now: number): string {
  if (isOver(placed, now)) return placed.call.outcome;
  return placed.answeredAt !== undefined && now >= placed.answeredAt ? "in-progress" : "ringing";
}

function detailsOf(placed: PlacedCall, now: number, settled: boolean) {
  const { call, startedAt, endedAt } = placed;
  if (!isOver(placed, now)) {
    const Leg2Status = statusOf(placed, now) === "in-progress" ? "in-progress" : null;
    return { ConversationDuration: 0, Leg1Status: "in-progress", Leg2Status, Legs: [] };
  }
  const statuses = { Leg1Status: "completed", Leg2Status: call.outcome };
  if (!settled) return { ConversationDuration: 0, ...statuses, Legs: [] };
  const talked = call.outcome === "completed" ? call.talkSeconds : 0;
  return {
    ConversationDuration: talked,
    ...statuses,
    Legs: [
      { Leg: { Id: 1, OnCallDuration: talked > 0 ? (endedAt - startedAt) / 1000 : 0 } },
      { Leg: { Id: 2, OnCallDuration: talked, Insights: { RingingDuration: call.ringSeconds } } },
    ],
  };
}
