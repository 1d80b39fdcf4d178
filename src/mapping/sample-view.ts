import type { View } from "./view.ts";

const at = (minutes: number): string => new Date(Date.UTC(2026, 10, 20, 10, minutes)).toISOString();
const turns = 1_000;
const said = "I would like to know when my order arrives & whether <it> is paid.";

/** A call of an hour, for `check`: a mapping whose texts run into a limit with it does so with a real one. */
export function longCall(contactFields: readonly string[]): View {
  const lines = Array.from({ length: turns }, (_, turn) => `${turn % 2 ? "Agent" : "Caller"}: ${said}`);
  return {
    call: {
      key: "sample:retell:call",
      callId: "call",
      provider: "retell",
      phase: "ended",
      direction: "inbound",
      outcome: "no-answer",
      startedAt: at(0),
      answeredAt: at(1),
      endedAt: at(59),
      talkSeconds: 3_480,
      ringSeconds: 60,
      customer: { number: "+12137771234", name: "Asha Rao" },
      line: "+12135550100",
      agents: [{ ids: ["1"], name: "Ravi Iyer", email: "ravi@example.com", talkedAt: at(1) }],
      transcript: lines.join("\n"),
      summary: lines.slice(0, 20).join(" "),
      sentiment: "Positive",
    },
    customerNumber: "+12137771234",
    recordingUrl: "https://calls.example.com/recordings/sample",
    transcriptUrl: "https://calls.example.com/transcripts/sample",
    contact: {
      id: "1",
      kind: "contact",
      name: "Asha Rao",
      email: "asha@example.com",
      company: "Acme",
      phones: ["+12137771234"],
      fields: Object.fromEntries(contactFields.map((name) => [name, said])),
    },
    owner: { id: "1", name: "Ravi Iyer", email: "ravi@example.com" },
    people: [{ ids: ["1"], name: "Ravi Iyer", email: "ravi@example.com", talkedAt: at(1) }],
    sharedWith: ["Ben Carter"],
    followUpDueMinutes: 60,
    installation: { name: "sample", region: "US", timeZone: "America/New_York" },
  };
}
