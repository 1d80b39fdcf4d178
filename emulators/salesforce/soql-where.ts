import type { Value } from "./field.ts";
import type { FieldPath } from "./field-path.ts";
import { malformed } from "./soql-error.ts";

export type Operator = "=" | "!=" | "<" | "<=" | ">" | ">=" | "LIKE" | "IN" | "NOT IN";

/** `values`: several for IN and NOT IN. */
export type Comparison = { path: FieldPath; operator: Operator; values: readonly Value[] };

export type Condition = { all: Condition[] } | { any: Condition[] } | { not: Condition } | Comparison;

export type Token<T> = "(" | ")" | "AND" | "OR" | "NOT" | { comparison: T };

/** Reads tokens as Salesforce does: AND, OR and NOT do not mix on one level without brackets. */
export function readCondition<T>(tokens: readonly Token<T>[], comparison: (item: T) => Condition): Condition {
  let at = 0;
  const condition = level();
  if (at < tokens.length) unexpected();
  return condition;

  function level(): Condition {
    if (tokens[at] === "NOT") {
      at++;
      return { not: operand() };
    }
    const first = operand();
    const operator = tokens[at];
    if (operator !== "AND" && operator !== "OR") return first;
    const operands = [first];
    while (tokens[at] === operator) {
      at++;
      operands.push(operand());
    }
    return operator === "AND" ? { all: operands } : { any: operands };
  }

  function operand(): Condition {
    const token = tokens[at];
    if (token === "(") {
      at++;
      const inside = level();
      if (tokens[at] !== ")") unexpected();
      at++;
      return inside;
    }
    if (typeof token !== "object") unexpected();
    at++;
    return comparison(token.comparison);
  }

  function unexpected(): never {
    const token = tokens[at];
    malformed(`unexpected token: '${typeof token === "object" ? "condition" : (token ?? "<EOF>")}'`);
  }
}

/** The test of a condition, ready to run over many records. */
export function matcherOf(condition: Condition): (row: Parameters<FieldPath["read"]>[0]) => boolean {
  if ("all" in condition) {
    const tests = condition.all.map(matcherOf);
    return (row) => tests.every((test) => test(row));
  }
  if ("any" in condition) {
    const tests = condition.any.map(matcherOf);
    return (row) => tests.some((test) => test(row));
  }
  if ("not" in condition) {
    const test = matcherOf(condition.not);
    return (row) => !test(row);
  }
  const { path } = condition;
  const test = comparisonTest(condition);
  return (row) => test(path.read(row));
}

function comparisonTest({ path, operator, values }: Comparison): (value: Value) => boolean {
  const fold = foldOf(path);
  const folded = values.map(fold);
  const set = new Set(folded);
  const wanted = folded[0] ?? null;
  switch (operator) {
    case "IN":
    case "=":
      return (value) => set.has(fold(value));
    case "NOT IN":
    case "!=":
      return (value) => !set.has(fold(value));
    case "LIKE": {
      const pattern = likePattern(String(values[0] ?? ""));
      return (value) => typeof value === "string" && pattern.test(value);
    }
    default:
      return (value) => value !== null && wanted !== null && inOrder(fold(value) ?? "", operator, wanted);
  }
}

function inOrder(value: Value, operator: "<" | "<=" | ">" | ">=", wanted: Value): boolean {
  const order = compareValues(value, wanted);
  if (operator === "<") return order < 0;
  if (operator === "<=") return order <= 0;
  return operator === ">" ? order > 0 : order >= 0;
}

/** Text compares without regard to case, ids and case-sensitive fields excepted. */
function foldOf({ field }: FieldPath): (value: Value) => Value {
  const exact = field.caseSensitive || ["id", "reference", "date", "datetime"].includes(field.type);
  return exact ? (value) => value : (value) => (typeof value === "string" ? value.toLowerCase() : value);
}

/** Null before everything else. */
function compareValues(one: Value, other: Value): number {
  if (one === other) return 0;
  if (one === null) return -1;
  if (other === null) return 1;
  return one < other ? -1 : 1;
}

function likePattern(text: string): RegExp {
  const parts = [...text.matchAll(/\\([%_])|([%_])|[^%_\\]+|\\/g)].map(([part, escaped, wildcard]) => {
    if (wildcard) return wildcard === "%" ? ".*" : ".";
    return (escaped ?? part).replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  });
  return new RegExp(`^${parts.join("")}$`, "is");
}
