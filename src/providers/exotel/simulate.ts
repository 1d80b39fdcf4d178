import type { SimulatedCall, SimulatedRequest, Simulation } from "../../core/provider.ts";
import { toExotelTime } from "./values.ts";

const boundary = "------------------------5c1f0a7e5d21b9f4";
const sip = (agent: string) => `sip:${agent}@app.exotel.com`;

/** WebRTC notifications of one call, then its StatusCallback as multipart, then the recording. */
export const simulation: Simulation<{ secret: string[] }> = {
  script: (call) => [...notifications(call), ...afterwards(call)],
  sign: (request, { secret }) => ({
    ...request,
    query: [request.query, `key=${encodeURIComponent(secret[0] ?? "")}`].filter(Boolean).join("&"),
  }),
};

function notifications(call: SimulatedCall): SimulatedRequest[] {
  const { ringSeconds, talkSeconds, outcome, agent } = call;
  const first = call.direction === "inbound" ? "incoming_call" : "outbound_call";
  const ringing = [
    json(call, 0, {
      event: first,
      direction: call.direction,
      app_id: "app_demo",
      user_id: agent,
      ...parties(call),
    }),
    json(call, Math.min(1, ringSeconds), { event: "call_ringing", status: "ringing" }),
  ];
  if (outcome === "busy") return ringing;
  if (outcome === "no-answer") {
    const missed = { event: "call_missed", status: "no-answer", ring_time: ringSeconds };
    const again = { event: "missed_call", ...parties(call), ring_duration: ringSeconds };
    return [...ringing, json(call, ringSeconds, missed), json(call, ringSeconds, again)];
  }
  const duration = ringSeconds + talkSeconds;
  const end = { status: "completed", duration, talk_time: talkSeconds, recording_available: true };
  return [
    ...ringing,
    json(call, ringSeconds, {
      event: "call_answered",
      status: "in-progress",
      answered_by: agent,
      device: "sip",
    }),
    json(call, duration, { event: "call_completed", ...end }),
  ];
}

/** Exotel has no WebRTC event for a busy line: the StatusCallback reports it. */
function afterwards(call: SimulatedCall): SimulatedRequest[] {
  if (call.outcome !== "completed")
    return [multipart(call.ringSeconds + 1, callback(call, call.ringSeconds))];
  const total = call.ringSeconds + call.talkSeconds;
  const ready = { event: "recording_ready", recording_url: recordingUrl(call), duration: call.talkSeconds };
  return [multipart(total + 2, callback(call, total)), json(call, total + 5, ready)];
}

function callback(call: SimulatedCall, totalSeconds: number): Record<string, string> {
  const start = startMs(call);
  const completed = call.outcome === "completed";
  const { from, to } = parties(call);
  return {
    CallSid: call.id,
    EventType: "terminal",
    Status: call.outcome,
    DateCreated: toExotelTime(start),
    DateUpdated: toExotelTime(start + totalSeconds * 1000),
    StartTime: toExotelTime(start),
    EndTime: toExotelTime(start + totalSeconds * 1000),
    From: from,
    To: to,
    PhoneNumberSid: call.line,
    Direction: call.direction === "inbound" ? "inbound" : "outbound-api",
    ConversationDuration: String(call.talkSeconds),
    "Legs[0][OnCallDuration]": String(completed ? totalSeconds : 0),
    "Legs[0][Status]": "completed",
    "Legs[1][OnCallDuration]": String(call.talkSeconds),
    "Legs[1][Status]": call.outcome,
    "Legs[1][Insights][RingingDuration]": String(call.ringSeconds),
    ...(completed && { RecordingUrl: recordingUrl(call) }),
  };
}

function parties(call: SimulatedCall): { from: string; to: string; exophone: string } {
  const inbound = call.direction === "inbound";
  const [from, to] = inbound ? [call.customer, sip(call.agent)] : [sip(call.agent), call.customer];
  return { from, to, exophone: call.line };
}

/** All of Exotel's messages have the same whole second. */
function startMs({ startedAt }: SimulatedCall): number {
  return Math.floor(Date.parse(startedAt) / 1000) * 1000;
}

function recordingUrl({ id, recordingsAt = "https://recordings.exotel.example" }: SimulatedCall): string {
  return `${recordingsAt}/exotelrecordings/demo/${encodeURIComponent(id)}.mp3`;
}

function json(
  call: SimulatedCall,
  afterSeconds: number,
  notification: { event: string; [name: string]: unknown },
): SimulatedRequest {
  const timestamp = new Date(startMs(call) + afterSeconds * 1000).toISOString();
  const body = Buffer.from(JSON.stringify({ ...notification, call_sid: call.id, timestamp }));
  return { afterSeconds, method: "POST", query: "", headers: { "content-type": "application/json" }, body };
}

function multipart(afterSeconds: number, fields: Record<string, string>): SimulatedRequest {
  const parts = Object.entries(fields).map(
    ([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  const headers = { "content-type": `multipart/form-data; boundary=${boundary}` };
  const body = Buffer.from(`${parts.join("")}--${boundary}--\r\n`);
  return { afterSeconds, method: "POST", query: "", headers, body };
}
