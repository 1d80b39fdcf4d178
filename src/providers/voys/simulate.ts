import type { SimulatedCall, SimulatedRequest, Simulation } from "../../core/provider.ts";

type SimulatedStep = { status: string; afterSeconds: number; destination?: object; reason?: string };

/** The notifications of one call, as Voys would send them. */
export const simulation: Simulation<{ secret: string[] }> = {
  script: (call) => stepsOf(call).map((step) => requestOf(call, step)),
  sign: (request, { secret }) => ({
    ...request,
    query: [request.query, `key=${encodeURIComponent(secret[0] ?? "")}`].filter(Boolean).join("&"),
  }),
};

function stepsOf(call: SimulatedCall): SimulatedStep[] {
  const { direction, ringSeconds, talkSeconds, outcome } = call;
  const target = targetOf(call);
  const answered = outcome === "completed";
  return [
    // Voys sends `created` for incoming calls only (help page, 2026).
    ...(direction === "inbound" ? [{ status: "created", afterSeconds: 0 }] : []),
    { status: "ringing", afterSeconds: 0, destination: { targets: [target] } },
    ...(answered ? [{ status: "in-progress", afterSeconds: ringSeconds, destination: { target } }] : []),
    { status: "ended", afterSeconds: ringSeconds + (answered ? talkSeconds : 0), reason: outcome },
  ];
}

function requestOf(
  call: SimulatedCall,
  { status, afterSeconds, destination, reason }: SimulatedStep,
): SimulatedRequest {
  const inbound = call.direction === "inbound";
  const notification = {
    call_id: call.id,
    timestamp: timestamp(Date.parse(call.startedAt) + afterSeconds * 1000),
    status,
    ...(reason && { reason }),
    version: "v2",
    direction: call.direction,
    caller: inbound ? outsider(call.customer) : agent(call, call.line),
    destination: { number: inbound ? call.line : call.customer, ...destination },
  };
  return {
    afterSeconds,
    method: "POST",
    query: "",
    headers: { "content-type": "application/json" },
    body: Buffer.from(JSON.stringify(notification)),
  };
}

function targetOf(call: SimulatedCall): object {
  return call.direction === "inbound" ? agent(call, call.line) : outsider(call.customer);
}

function outsider(number: string): object {
  return { number, name: null, account_number: null, user_numbers: [], user_emails: [] };
}

function agent(call: SimulatedCall, number: string): object {
  const account = /^\d{1,9}$/.test(call.agent) ? Number(call.agent) : call.agent;
  return { number, name: null, account_number: account, user_numbers: [call.agent], user_emails: [] };
}

/** ISO with microseconds and an offset, as on the wire. */
function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "000+00:00");
}
