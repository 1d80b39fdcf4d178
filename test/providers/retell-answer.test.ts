import { expect, test } from "vitest";
import type { Answer, Delivery, Question } from "../../src/core/provider.ts";
import { retell } from "../../src/providers/retell/index.ts";
import { deliveriesOf } from "../contracts/provider.ts";

const question: Question = { kind: "call" };
const empty: Answer = { variables: {}, metadata: {} };

function asked(body: unknown): Question | undefined {
  const [delivery] = deliveriesOf("retell", { source: "", requests: [{ body }], events: [] });
  return retell.read(delivery as Delivery).question;
}

function answered(answer: Partial<Answer>, to = question) {
  return retell.reply?.(to, { ...empty, ...answer }) as Record<string, Record<string, unknown>>;
}

test("an inbound call is a question about the caller", () => {
  const call_inbound = { agent_id: "agent_12345", from_number: "+14155552671", to_number: "+14155550100" };
  const expected = { kind: "call", from: "+14155552671", to: "+14155550100", agentId: "agent_12345" };
  expect(asked({ event: "call_inbound", call_inbound })).toEqual(expected);
  const identified = { ...call_inbound, call_id: "call_1" };
  expect(asked({ event: "call_inbound", call_inbound: identified })).toEqual({
    ...expected,
    callId: "call_1",
  });
});

test("an inbound chat is a question too, known by its chat id", () => {
  const chat_inbound = { chat_id: "chat_1", from_number: "+14155552671", to_number: null };
  expect(asked({ event: "chat_inbound", chat_inbound })).toEqual({
    kind: "chat",
    callId: "chat_1",
    from: "+14155552671",
  });
});

test("a caller who sends nothing of use is still a question", () => {
  expect(asked({ event: "call_inbound", call_inbound: { from_number: {}, to_number: [] } })).toEqual(
    question,
  );
});

test("other events ask nothing", () => {
  expect(
    asked({ event: "call_ended", call: { call_id: "c1", from_number: "+14155552671" } }),
  ).toBeUndefined();
});

test("answers in Retell's words", () => {
  const answer = {
    agentId: "agent_9",
    variables: { customer_name: "Jane" },
    metadata: { contact: "42", vip: true },
  };
  expect(answered(answer)).toEqual({
    call_inbound: {
      override_agent_id: "agent_9",
      dynamic_variables: { customer_name: "Jane" },
      metadata: { contact: "42", vip: true },
    },
  });
});

test("an answer that says nothing is an empty object", () => {
  expect(answered({ agentId: "", reject: false })).toEqual({ call_inbound: {} });
  expect(answered({}, { kind: "chat" })).toEqual({ chat_inbound: {} });
});

test("turns a caller away only when told to", () => {
  expect(answered({ reject: true })).toEqual({ call_inbound: { reject: true } });
});

test("variables that are no text never reach Retell", () => {
  const variables: Record<string, string> = JSON.parse(
    '{"name":"Jane","age":7,"vip":true,"note":null,"list":[]}',
  );
  expect(answered({ variables })["call_inbound"]).toEqual({ dynamic_variables: { name: "Jane" } });
});

test("metadata beyond 50 kB is left out, what still fits is kept", () => {
  const metadata = { first: "x".repeat(30_000), second: "é".repeat(15_000), third: "y" };
  const kept = answered({ metadata })["call_inbound"]?.["metadata"];
  expect(kept).toEqual({ first: metadata.first, third: "y" });
});

test("metadata of exactly 50,000 bytes is kept whole, one byte more is not", () => {
  const whole = { a: "x".repeat(40_000), b: "x".repeat(50_000 - 40_000 - '{"a":"","b":""}'.length) };
  expect(Buffer.byteLength(JSON.stringify(whole))).toBe(50_000);
  expect(answered({ metadata: whole })["call_inbound"]?.["metadata"]).toEqual(whole);
  const over = { ...whole, b: `${whole.b}x` };
  expect(answered({ metadata: over })["call_inbound"]?.["metadata"]).toEqual({ a: whole.a });
});
