import { ConfigError, type Fault } from "../../src/core/errors.ts";
import { compileMapping } from "../../src/mapping/compile.ts";
import type { View } from "../../src/mapping/view.ts";

/** A call with every fact there is. */
export const fullView: View = {
  call: {
    key: "demo:exotel:c1",
    callId: "c1",
    installation: "demo",
    provider: "exotel",
    revision: 3,
    legs: ["c1"],
    phase: "ended",
    direction: "inbound",
    outcome: "completed",
    reason: "client-hangup",
    startedAt: "2026-11-20T20:05:00.000Z",
    answeredAt: "2026-11-20T20:05:12.000Z",
    endedAt: "2026-11-20T20:10:32.000Z",
    talkSeconds: 320.4,
    ringSeconds: 12,
    customer: { number: "09876543210", name: "A RAO" },
    line: "+918012345678",
    agents: [
      { ids: ["202"], name: "Early", talkedAt: "2026-11-20T20:05:12.000Z" },
      { ids: ["201", "sip:ravi"], name: "R.", email: "r@pbx.example", talkedAt: "2026-11-20T20:07:00.000Z" },
      { ids: ["203"], name: "Only rang" },
    ],
    recording: { ref: "https://secret.example/r.mp3", seconds: 318 },
    transcript: "Agent: Hello\nCaller: Hi",
    summary: "Wants <b>a refund</b> & a call",
    sentiment: "Positive",
    transfer: { kind: "warm", to: { number: "+918099999999" } },
    custom: { order_id: "A-17", attempts: 2 },
  },
  customerNumber: "+919876543210",
  recordingUrl: "https://calls.example/recordings/token.mp3",
  transcriptUrl: "https://calls.example.com/transcripts/1-abc",
  contact: {
    id: "7",
    kind: "contact",
    name: "Asha Rao",
    email: "asha@example.com",
    company: "Acme",
    ownerId: "o1",
    phones: ["+919876543210"],
    fields: { lifecycle: "customer", score: 7, vip: true },
  },
  owner: { id: "o1", name: "Meera", email: "meera@example.com" },
  people: [
    { ids: ["202"], name: "Early", talkedAt: "2026-11-20T20:05:12.000Z" },
    {
      ids: ["201", "sip:ravi"],
      name: "Ravi Kumar",
      email: "ravi@example.com",
      talkedAt: "2026-11-20T20:07:00.000Z",
    },
    { ids: ["203"], name: "Only rang" },
  ],
  sharedWith: ["Groninger Fietsen"],
  followUpDueMinutes: 60,
  installation: { name: "demo", region: "IN", timeZone: "Asia/Kolkata" },
};

/** What is known before anything else: nobody, nothing, nowhere. */
export const emptyView: View = {
  call: {},
  installation: { name: "demo", region: "IN", timeZone: "Asia/Kolkata" },
};

/** The full view with another call. */
export function withCall(call: View["call"]): View {
  return { ...emptyView, call };
}

export const missedCall: View["call"] = { direction: "inbound", phase: "ended", outcome: "no-answer" };

export function mappingOf(activity: object, more: object = {}) {
  return compileMapping({ crm: "local", activity, ...more }, "m.json");
}

/** What a mapping's one activity field becomes. */
export function fieldOf(value: unknown, view: View = fullView) {
  return mappingOf({ x: value }).activity(view).fields["x"];
}

/** The faults of something that must not compile. */
export function faultsOf(compile: () => unknown): readonly Fault[] {
  try {
    compile();
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  throw new Error("it compiled");
}
