import { simulatedCall } from "@switchhook/emulators/test/simulated-call";
import { expect, test } from "vitest";
import { fold } from "../../src/core/fold.ts";
import type { Delivery } from "../../src/core/provider.ts";
import { retell } from "../../src/providers/retell/index.ts";
import { deliveriesOf, loadFixture, simulate, testProvider } from "../contracts/provider.ts";

testProvider(retell, { apiKey: ["key_test_0123456789abcdef"] });

function delivery(body: unknown): Delivery {
  const [made] = deliveriesOf("retell", { source: "", requests: [{ body }], events: [] });
  return made as Delivery;
}

const at = 1767322800000;
const call = { call_id: "c1", direction: "inbound", from_number: "+12137771234", to_number: "+12137771235" };

function ended(more: object) {
  return retell.decode(delivery({ event: "call_ended", call: { ...call, ...more } }))[0]?.facts;
}

test.each([
  ["user_hangup", "completed"],
  ["agent_hangup", "completed"],
  ["call_transfer", "completed"],
  ["inactivity", "completed"],
  ["max_duration_reached", "completed"],
  ["voicemail_reached", "voicemail"],
  ["dial_busy", "busy"],
  ["dial_no_answer", "no-answer"],
  ["user_declined", "rejected"],
  ["dial_failed", "failed"],
  ["invalid_destination", "failed"],
  ["telephony_provider_unavailable", "failed"],
  ["error_llm_websocket_open", "failed"],
  ["error_user_not_joined", "failed"],
  ["no_valid_payment", "failed"],
  ["scam_detected", "failed"],
  ["registered_call_timeout", "failed"],
  ["__proto__", "unknown"],
  ["invented_next_year", "unknown"],
])("the reason %s is the outcome %s", (reason, outcome) => {
  expect(ended({ disconnection_reason: reason })).toMatchObject({ outcome, reason });
});

test("a reason nobody knows is a completed call when there was talk", () => {
  const times = { start_timestamp: at, end_timestamp: at + 5000 };
  expect(ended({ ...times, disconnection_reason: "invented_next_year" })?.outcome).toBe("completed");
  expect(ended(times)?.outcome).toBe("completed");
  expect(ended({})?.outcome).toBe("unknown");
});

test("nobody talked in a call that was not answered, even when it has times", () => {
  const times = { start_timestamp: at, end_timestamp: at + 5000, duration_ms: 5000, agent_id: "a1" };
  const facts = ended({ ...times, disconnection_reason: "dial_no_answer" });
  expect(facts).not.toHaveProperty("answeredAt");
  expect(facts).not.toHaveProperty("talkSeconds");
  expect(facts?.agents).toEqual([{ ids: ["a1"], kind: "ai" }]);
});

test.each([
  [{ call_status: "not_connected" }, "no-answer"],
  [{ call_status: "error" }, "failed"],
  [{ call_status: "registered", start_timestamp: at, end_timestamp: at + 5000 }, "completed"],
  [{ disconnection_reason: "Dial_No_Answer" }, "no-answer"],
  [{ disconnection_reason: "dial_no_pickup" }, "no-answer"],
  [{ disconnection_reason: "error_inbound_webhook" }, "failed"],
  [{ disconnection_reason: "a_word_of_tomorrow" }, "unknown"],
])("a call that ended with %j is %s", (fields, outcome) => {
  expect(ended(fields)).toMatchObject({ outcome });
});

test("the line and the customer change places on an outbound call", () => {
  expect(ended({ direction: "outbound" })).toMatchObject({
    customer: { number: "+12137771235" },
    line: "+12137771234",
  });
});

test("the scrubbed recording stands in where no other is kept", () => {
  const scrubbed = { scrubbed_recording_url: "https://recordings.example.com/scrubbed.wav" };
  expect(ended(scrubbed)?.recording).toEqual({ ref: scrubbed.scrubbed_recording_url });
  const both = { ...scrubbed, recording_url: "https://recordings.example.com/whole.wav" };
  expect(ended(both)?.recording).toEqual({ ref: both.recording_url });
});

test("a recording in channels stands in where there is no other, the scrubbed one last", () => {
  const channels = {
    scrubbed_recording_multi_channel_url: "https://recordings.example.com/scrubbed-channels.wav",
    recording_multi_channel_url: "https://recordings.example.com/channels.wav",
  };
  expect(ended(channels)?.recording).toEqual({ ref: channels.recording_multi_channel_url });
  const { scrubbed_recording_multi_channel_url } = channels;
  expect(ended({ scrubbed_recording_multi_channel_url })?.recording).toEqual({
    ref: scrubbed_recording_multi_channel_url,
  });
});

test("a transcript of a whole day is kept whole, an absurd one is cut between two characters", () => {
  const day = "Agent: Hm. ".repeat(180_000).trim();
  expect(ended({ transcript: day })?.transcript).toBe(day);
  const cut = ended({ transcript: `x${"\u{1f600}".repeat(2_000_000)}` })?.transcript;
  expect(cut).toHaveLength(2_000_000);
  expect(cut?.isWellFormed()).toBe(true);
});

test("a late call_ended takes nothing away from the analysis", () => {
  const events = loadFixture("retell", "inbound-call.json").events;
  const late = [...events].sort(
    (a, b) => Number(b.kind === "call_analyzed") - Number(a.kind === "call_analyzed"),
  );
  expect(fold(late)).toMatchObject({
    startedAt: "2026-01-02T03:00:00.000Z",
    answeredAt: "2026-01-02T03:00:04.000Z",
    talkSeconds: 61,
    summary: "Asked for Tuesday.",
    custom: { call_successful: true, cost_cents: 70, metadata_ticket: "T-7" },
  });
});

test("a voicemail that the analysis found is a voicemail", () => {
  expect(fold(loadFixture("retell", "voicemail.json").events).outcome).toBe("voicemail");
});

test("a call_ended that follows a warm transfer leaves it warm", () => {
  const { transfer } = fold(loadFixture("retell", "transfer.json").events);
  expect(transfer).toEqual({ kind: "warm", to: { number: "+12137770000" } });
});

test("the end of a call tells of a transfer when no other event does", () => {
  const ended = loadFixture("retell", "transfer.json").events.filter(({ kind }) => kind === "call_ended");
  expect(fold(ended).transfer).toEqual({ kind: "unknown", to: { number: "+12137770000" } });
});

test("a transfer that was cancelled is no transfer", () => {
  expect(fold(loadFixture("retell", "transfer-cancelled.json").events)).not.toHaveProperty("transfer");
});

test.each([
  ["no event", {}],
  ["an event that is no text", { event: 7 }],
  ["a call event without a call", { event: "call_ended" }],
  ["a call that is a list", { event: "call_ended", call: [] }],
  ["a call without an id", { event: "call_started", call: { call_id: "  " } }],
  ["an id of the wrong type", { event: "call_started", call: { call_id: {} } }],
  ["an endless id", { event: "call_started", call: { call_id: "x".repeat(129) } }],
  ["an id with a NUL", { event: "call_started", call: { call_id: "x\u0000y" } }],
  ["half a character in the id", { event: "call_started", call: { call_id: "x\ud800" } }],
  ["an inbound call without its object", { event: "call_inbound", call_inbound: "x" }],
  ["an inbound chat without its object", { event: "chat_inbound" }],
])("refuses %s with 400", (_name, body) => {
  const refusal = expect.objectContaining({ name: "Rejected", status: 400 });
  expect(() => retell.read(delivery(body))).toThrow(refusal);
  expect(() => retell.decode(delivery(body))).toThrow(refusal);
});

test.each([null, true, 1e308, -1, "", "\u0000", [], [{}], {}, { __proto__: { x: 1 }, number: [] }])(
  "takes %j in any field of a call",
  (odd) => {
    const names = `agent_id agent_name direction from_number to_number start_timestamp end_timestamp duration_ms metadata
      disconnection_reason transcript recording_url opt_in_signed_url call_analysis call_cost transfer_destination`;
    const odds = Object.fromEntries(names.split(/\s+/).map((name) => [name, odd]));
    const analysis = { call_summary: odd, user_sentiment: odd, in_voicemail: odd, custom_analysis_data: odd };
    for (const event of ["call_started", "call_ended", "call_analyzed", "transfer_started"]) {
      const bodies = [odds, { ...odds, call_analysis: analysis, call_cost: { combined_cost: odd } }];
      const events = bodies.flatMap((more) =>
        retell.decode(delivery({ event, event_timestamp: odd, call: { ...more, call_id: "c1" } })),
      );
      expect(events.map(({ callId }) => callId)).toEqual(["c1", "c1"]);
      expect(JSON.stringify(events)).not.toMatch(/null|""/);
    }
  },
);

test("simulates a call to somebody whose line is busy", () => {
  const events = simulate(retell, { apiKey: ["demo-retell-key"] }, { ...simulatedCall, outcome: "busy" });
  expect(fold(events)).toMatchObject({ outcome: "busy", phase: "ended" });
});

test("knows its settings, and every fault in them", () => {
  expect(retell.settings.parse({ apiKey: "key_1" })).toEqual({ apiKey: ["key_1"] });
  expect(retell.settings.safeParse({}).success).toBe(false);
  expect(retell.settings.safeParse({ apiKey: ["key_1", "key_2", "key_3"] }).success).toBe(false);
  expect(retell.settings.safeParse({ apiKey: "key_1", apikey: "typo" }).success).toBe(false);
  expect(retell.settings.safeParse({ apiKey: "key_1", apiUrl: "file:///etc" }).success).toBe(false);
});
