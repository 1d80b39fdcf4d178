import type { Agent } from "../../src/core/call.ts";
import type { View } from "../../src/mapping/view.ts";

const customer = "+919876543210";
const line = "+31507654321";
const startedAt = "2026-11-20T10:00:00.000Z";
const endedAt = "2026-11-20T10:05:00.000Z";
const [early, late] = ["2026-11-20T10:00:20.000Z", "2026-11-20T10:03:00.000Z"];

const asha: Agent = { ids: ["201"], name: "Asha Rao", email: "asha@acme.example" };
const ben: Agent = { ids: ["202"], name: "Ben Carter", email: "ben@acme.example" };
const cees: Agent = { ids: ["203"], name: "Cees Bakker" };
const bot: Agent = { ids: ["agent_ben"], name: "Reception bot", kind: "ai" };
const nameless: Agent = { ids: ["agent_ben"], kind: "ai" };
const talking = (agent: Agent, talkedAt = early): Agent => ({ ...agent, talkedAt });

const rohan: View["contact"] = {
  id: "7",
  kind: "contact",
  name: "Rohan Mehta",
  phones: [customer],
  fields: {},
};
const maria: View["contact"] = { ...rohan, id: "8", name: "María Ortiz" };

function view(call: View["call"], more: Partial<View> = {}): View {
  const { agents, ...facts } = call;
  return {
    call: {
      callId: "c1",
      provider: "voys",
      phase: "ended",
      startedAt,
      endedAt,
      line,
      customer: { number: customer },
      ...facts,
      ...(agents && { agents }),
    },
    customerNumber: customer,
    contact: rohan,
    owner: { id: "11", name: "Asha Rao" },
    installation: { name: "acme", region: "NL", timeZone: "Europe/Amsterdam" },
    followUpDueMinutes: 60,
    ...more,
  };
}

const inbound = (call: View["call"], more?: Partial<View>) => view({ direction: "inbound", ...call }, more);
const outbound = (call: View["call"], more?: Partial<View>) => view({ direction: "outbound", ...call }, more);
const ai = { contact: maria };
const talk = { outcome: "completed", talkSeconds: 185, ringSeconds: 12 } as const;
const unknownCaller = (call: View["call"]): View => {
  const { contact: _, customerNumber, ...rest } = inbound(call);
  return call.customer ? rest : { ...rest, ...(customerNumber && { customerNumber }) };
};

/** A call of each kind, as a timeline shows them. */
export const kinds: Readonly<Record<string, { view: View; title: string }>> = {
  "inbound, answered": {
    view: inbound(
      { ...talk, agents: [talking(asha), ben] },
      { recordingUrl: "https://calls.example/r/1.mp3" },
    ),
    title: "Inbound call from Rohan Mehta · answered by Asha Rao",
  },
  missed: {
    view: inbound({ outcome: "no-answer", ringSeconds: 30, talkSeconds: 0, agents: [asha, ben] }),
    title: "Missed call from Rohan Mehta on +31507654321",
  },
  "missed, busy": {
    view: inbound({ outcome: "busy" }),
    title: "Missed call from Rohan Mehta on +31507654321 · busy",
  },
  "missed, busy after somebody's phone rang": {
    view: inbound({ outcome: "busy", ringSeconds: 5, agents: [asha] }),
    title: "Missed call from Rohan Mehta on +31507654321 · busy",
  },
  "missed, hung up while waiting": {
    view: inbound({ outcome: "abandoned", ringSeconds: 45 }),
    title: "Missed call from Rohan Mehta on +31507654321",
  },
  "inbound voicemail": {
    view: inbound(
      {
        outcome: "voicemail",
        ringSeconds: 25,
        talkSeconds: 17,
        recording: { ref: "r" },
        transcript: "Please call me.",
      },
      { recordingUrl: "https://calls.example/r/2.mp3", transcriptUrl: "https://calls.example/t/2" },
    ),
    title: "Voicemail from Rohan Mehta on +31507654321",
  },
  "outbound, reached": {
    view: outbound({ ...talk, agents: [talking(asha)] }),
    title: "Outbound call to Rohan Mehta · made by Asha Rao",
  },
  "outbound, no answer": {
    view: outbound({ outcome: "no-answer", ringSeconds: 25, agents: [asha] }),
    title: "Call to Rohan Mehta · no answer",
  },
  "outbound, busy": {
    view: outbound({ outcome: "busy", agents: [asha] }),
    title: "Call to Rohan Mehta · busy",
  },
  "outbound, voicemail left by an AI agent": {
    view: outbound(
      {
        outcome: "voicemail",
        talkSeconds: 20,
        sentiment: "Unknown",
        agents: [talking(bot)],
        custom: { in_voicemail: true },
      },
      ai,
    ),
    title: "AI voicemail left for María Ortiz",
  },
  "outbound, voicemail left by a person": {
    view: outbound({ outcome: "voicemail", reason: "voicemail_reached", agents: [talking(asha)] }),
    title: "Voicemail left for Rohan Mehta",
  },
  "outbound, only a machine was detected": {
    view: outbound(
      { outcome: "voicemail", reason: "machine_detected", talkSeconds: 4, agents: [talking(nameless)] },
      ai,
    ),
    title: "AI call to María Ortiz · voicemail answered",
  },
  "outbound AI call, no answer": {
    view: outbound({ outcome: "no-answer", reason: "dial_no_answer", agents: [nameless] }, ai),
    title: "AI call to María Ortiz · no answer",
  },
  "outbound, ended in a way the provider does not say": {
    view: outbound({ outcome: "unknown", agents: [asha] }),
    title: "Outbound call to Rohan Mehta",
  },
  "inbound, ended in a way the provider does not say": {
    view: inbound({ outcome: "unknown" }),
    title: "Inbound call from Rohan Mehta",
  },
  "inbound, completed, and nothing says who answered": {
    view: inbound({ outcome: "completed", ringSeconds: 20, agents: [asha] }),
    title: "Inbound call from Rohan Mehta",
  },
  "missed, one phone rang": {
    view: inbound({ outcome: "cancelled", ringSeconds: 20, agents: [{ ids: ["201"] }] }),
    title: "Missed call from Rohan Mehta on +31507654321",
  },
  "missed, from a contact that was named by its number": {
    view: inbound({ outcome: "no-answer" }, { contact: { ...rohan, name: customer } }),
    title: "Missed call from +91 98765 43210 on +31507654321",
  },
  "transfer, warm": {
    view: inbound({
      ...talk,
      agents: [talking(asha), talking(cees, late)],
      transfer: { kind: "warm", by: "201", to: { number: "203", name: "Cees Bakker" } },
    }),
    title: "Inbound call from Rohan Mehta · answered by Asha Rao · transferred to Cees Bakker",
  },
  "AI call with a transcript": {
    view: inbound(
      {
        ...talk,
        agents: [talking(bot)],
        summary: "María wants to move her appointment to Friday.",
        sentiment: "Neutral",
        transcript: `Agent: Reception, good morning.\nUser: I cannot make it today.\n${"Agent: One moment.\n".repeat(200)}`,
      },
      { ...ai, transcriptUrl: "https://calls.example/t/3", recordingUrl: "https://calls.example/r/3.mp3" },
    ),
    title: "AI call from María Ortiz",
  },
  "AI call, transferred to a number": {
    view: inbound(
      {
        ...talk,
        talkSeconds: 40,
        agents: [talking(bot)],
        transfer: { kind: "cold", to: { number: "+12137770000" } },
      },
      ai,
    ),
    title: "AI call from María Ortiz · transferred to +12137770000",
  },
  "AI call, transferred to a person": {
    view: inbound(
      {
        ...talk,
        agents: [talking(bot), talking(asha, late)],
        transfer: { kind: "warm", to: { number: "201" } },
      },
      ai,
    ),
    title: "AI call from María Ortiz · transferred to Asha Rao",
  },
  "short AI call": {
    view: inbound({ outcome: "completed", talkSeconds: 3, sentiment: "Unknown", agents: [talking(bot)] }, ai),
    title: "Short AI call from María Ortiz (3 s)",
  },
  withheld: {
    view: unknownCaller({
      outcome: "no-answer",
      ringSeconds: 30,
      customer: { number: "anonymous", name: "Anonymous" },
    }),
    title: "Missed call from a withheld number on +31507654321",
  },
  "unknown caller": {
    view: unknownCaller({ ...talk, agents: [talking(asha)] }),
    title: "Inbound call from +91 98765 43210 · answered by Asha Rao",
  },
  "shared number": {
    view: inbound({ ...talk, agents: [talking(asha)] }, { sharedWith: ["Groninger Fietsen"] }),
    title: "Inbound call from Rohan Mehta · answered by Asha Rao",
  },
  "ended without talk time": {
    view: inbound({ outcome: "completed" }),
    title: "Inbound call from Rohan Mehta",
  },
  "internal, when logged": {
    view: view({ direction: "internal", outcome: "completed", talkSeconds: 60, agents: [talking(asha)] }),
    title: "Internal call from Rohan Mehta",
  },
};
