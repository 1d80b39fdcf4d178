import { describe, expect, test } from "vitest";
import type { Scalar } from "../../src/core/call.ts";
import { emptyView, fullView, mappingOf } from "./samples.ts";

function answerOf(answer: object, view = fullView) {
  return mappingOf({}, { answer }).answer(view);
}

function withFields(fields: Record<string, Scalar>) {
  return { ...emptyView, contact: { id: "1", kind: "contact" as const, phones: [], fields } };
}

describe("rules", () => {
  const rules = [
    { name: "blocked", if: { "contact.fields.blocked": true }, reject: true },
    { name: "known", if: { "contact.fields.lifecycle": ["customer", "opportunity"] }, agent: "agent_vip" },
    { name: "strangers", if: { "contact.id": { exists: false } }, agent: "agent_new" },
    { name: "rest", if: {}, agent: "agent_rest" },
  ];

  test("the first that holds wins", () => {
    expect(answerOf({ rules }, withFields({ blocked: true, lifecycle: "customer" }))).toMatchObject({
      rule: "blocked",
      reject: true,
    });
    expect(answerOf({ rules }, withFields({ lifecycle: "opportunity" }))).toMatchObject({
      agentId: "agent_vip",
    });
    expect(answerOf({ rules }, emptyView)).toMatchObject({ rule: "strangers", agentId: "agent_new" });
    expect(answerOf({ rules }, withFields({}))).toMatchObject({ agentId: "agent_rest" });
  });

  test("all conditions of a rule must hold", () => {
    const both = [{ name: "both", if: { "contact.fields.a": 1, "contact.fields.b": 2 }, agent: "x" }];
    expect(answerOf({ rules: both }, withFields({ a: 1, b: 2 })).agentId).toBe("x");
    expect(answerOf({ rules: both }, withFields({ a: 1, b: 3 }))).not.toHaveProperty("agentId");
  });

  test("a CRM that keeps true and 1 as texts is understood", () => {
    const texts = [
      { name: "t", if: { "contact.fields.blocked": true, "contact.fields.tier": 1 }, agent: "x" },
    ];
    expect(answerOf({ rules: texts }, withFields({ blocked: "true", tier: "1" })).agentId).toBe("x");
  });

  test("an absent fact equals no constant", () => {
    const none = [{ name: "n", if: { "contact.fields.x": ["undefined", "null", ""] }, agent: "x" }];
    expect(answerOf({ rules: none }, withFields({}))).not.toHaveProperty("rule");
  });

  test("members that every object has are not facts", () => {
    const proto = [{ name: "p", if: { "contact.fields.constructor": { exists: true } }, agent: "x" }];
    expect(answerOf({ rules: proto }, withFields({}))).not.toHaveProperty("rule");
  });
});

test("variables are texts, whatever their facts are, and unknown ones are left out", () => {
  const variables = {
    name: { from: "contact.name" },
    score: { from: "contact.fields.score" },
    vip: { from: "contact.fields.vip" },
    plan: { from: "contact.fields.plan" },
    five: 5,
    greeting: { text: "Hello {{ contact.firstName }}" },
  };
  expect(answerOf({ variables }).variables).toEqual({
    name: "Asha Rao",
    score: "7",
    vip: "true",
    five: "5",
    greeting: "Hello Asha",
  });
});

test("a variable may fall back to a text, also an empty one", () => {
  const variables = {
    name: { from: "contact.name", else: "" },
    plan: { text: "{{ contact.fields.p }}", else: "basic" },
  };
  expect(answerOf({ variables }, emptyView).variables).toEqual({ name: "", plan: "basic" });
});

test("metadata keeps its types", () => {
  expect(
    answerOf({ metadata: { id: { from: "contact.id" }, score: { from: "contact.fields.score" } } }).metadata,
  ).toEqual({
    id: "7",
    score: 7,
  });
});

test("a mapping without an answer says nothing", () => {
  expect(mappingOf({}).answer(fullView)).toEqual({ variables: {}, metadata: {} });
});
