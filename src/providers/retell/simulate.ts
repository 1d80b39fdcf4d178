import type { SimulatedCall, SimulatedRequest, Simulation } from "../../core/provider.ts";
import type { RetellSettings } from "./settings.ts";
import { signatureHeader, signatureOf } from "./signature.ts";

export const simulate: Simulation<RetellSettings> = {
  script(call) {
    const question = call.direction === "inbound" ? [request(0, inbound(call))] : [];
    return [...question, ...(call.outcome === "completed" ? conversation(call) : [unconnected(call)])];
  },
  sign(request, { apiKey }, { now }) {
    const [key = ""] = apiKey;
    return {
      ...request,
      headers: { ...request.headers, [signatureHeader]: signatureOf(request.body, key, now) },
    };
  },
};

/** An AI agent answers an inbound call at once. `start_timestamp` is when the two are connected. */
function conversation(call: SimulatedCall): SimulatedRequest[] {
  const start = call.direction === "inbound" ? 0 : call.ringSeconds;
  const end = start + call.talkSeconds;
  const started = { ...callOf(call), call_status: "ongoing", start_timestamp: msAt(call, start) };
  const ended = {
    ...started,
    call_status: "ended",
    end_timestamp: msAt(call, end),
    duration_ms: call.talkSeconds * 1000,
    disconnection_reason: "user_hangup",
    transcript: "Agent: Good morning, how can I help you?\nUser: I would like to change my appointment.",
    recording_url: `${call.recordingsAt ?? "https://recordings.retell.example"}/${call.id}/recording.wav`,
  };
  const analysis = {
    call_summary: "The caller asked to change an appointment.",
    user_sentiment: "Positive",
    call_successful: true,
    in_voicemail: false,
    custom_analysis_data: { topic: "appointment" },
  };
  const analyzed = { ...ended, call_analysis: analysis, call_cost: { combined_cost: 12.5 } };
  return [
    event(call, "call_started", start, started),
    event(call, "call_ended", end, ended),
    event(call, "call_analyzed", end + 3, analyzed),
  ];
}

/** Not verified: whether calls that did not connect have times; some samples have none. */
function unconnected(call: SimulatedCall): SimulatedRequest {
  const reason = call.outcome === "busy" ? "dial_busy" : "dial_no_answer";
  return event(call, "call_ended", call.ringSeconds, {
    ...callOf(call),
    call_status: "not_connected",
    start_timestamp: msAt(call, 0),
    end_timestamp: msAt(call, call.ringSeconds),
    duration_ms: 0,
    disconnection_reason: reason,
  });
}

function inbound(call: SimulatedCall): unknown {
  const { agent_id, from_number, to_number, call_id } = callOf(call);
  const question = { call_id, agent_id, from_number, to_number };
  return { event: "call_inbound", event_timestamp: msAt(call, 0), call_inbound: question };
}

function callOf({ id, agent, customer, line, direction }: SimulatedCall) {
  const [from_number, to_number] = direction === "inbound" ? [customer, line] : [line, customer];
  return {
    call_type: "phone_call",
    call_id: id,
    agent_id: agent,
    agent_name: "Reception",
    direction,
    from_number,
    to_number,
  };
}

function event(call: SimulatedCall, name: string, afterSeconds: number, about: unknown): SimulatedRequest {
  return request(afterSeconds, { event: name, event_timestamp: msAt(call, afterSeconds), call: about });
}

function msAt(call: SimulatedCall, afterSeconds: number): number {
  return Date.parse(call.startedAt) + afterSeconds * 1000;
}

function request(afterSeconds: number, body: unknown): SimulatedRequest {
  const headers = { "content-type": "application/json" };
  return { afterSeconds, method: "POST", query: "", headers, body: Buffer.from(JSON.stringify(body)) };
}
