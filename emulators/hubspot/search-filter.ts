import type { Filter } from "./search-request.ts";
import type { Property, Values } from "./types.ts";

/** Whether a record's values meet one filter. unverified: a record without a value never meets NEQ, NOT_IN and the like. */
export function meets(values: Values, filter: Filter): boolean {
  const { property, operator } = filter;
  const stored = values[property.name];
  if (operator === "HAS_PROPERTY") return stored !== undefined;
  if (operator === "NOT_HAS_PROPERTY") return stored === undefined;
  if (stored === undefined) return false;
  const compared = compare(property, stored, filter.value);
  switch (operator) {
    case "EQ":
      return compared === 0;
    case "NEQ":
      return compared !== 0;
    case "LT":
      return compared < 0;
    case "LTE":
      return compared <= 0;
    case "GT":
      return compared > 0;
    case "GTE":
      return compared >= 0;
    case "BETWEEN":
      return compared >= 0 && compare(property, stored, filter.highValue) <= 0;
    case "IN":
      return isAmong(property, stored, filter.values);
    case "NOT_IN":
      return !isAmong(property, stored, filter.values);
    case "CONTAINS_TOKEN":
      return containsTokens(stored, filter.value);
    case "NOT_CONTAINS_TOKEN":
      return !containsTokens(stored, filter.value);
  }
}

/** Order of two values of a property; NaN, which fails every comparison, when they are not of its type. */
export function compare(property: Property, left: string, right: string): number {
  if (property.type === "string") return compareText(left.toLowerCase(), right.toLowerCase());
  if (property.type === "enumeration" || property.type === "bool") return compareText(left, right);
  return toNumber(property, left) - toNumber(property, right);
}

function compareText(left: string, right: string): number {
  return left === right ? 0 : left < right ? -1 : 1;
}

export function toNumber(property: Property, text: string): number {
  if (property.type === "number" || /^-?\d+$/.test(text)) return Number(text);
  return Date.parse(text);
}

/** The values of IN must be lower-case for strings: the index holds them so, and does not look at the request's. */
function isAmong(property: Property, stored: string, values: readonly string[]): boolean {
  if (property.type === "string") return values.includes(stored.toLowerCase());
  return values.some((value) => compare(property, stored, value) === 0);
}

/** Every token of the filter must be one of the value's tokens, or the whole value; `*` stands for any text. */
function containsTokens(stored: string, wanted: string): boolean {
  const whole = stored.toLowerCase();
  const tokens = whole.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  const patterns = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  return patterns.length > 0 && patterns.every((pattern) => matchesAny(pattern, [whole, ...tokens]));
}

function matchesAny(pattern: string, texts: readonly string[]): boolean {
  const inner = pattern.replace(/^\*|\*$/g, "");
  if (inner.includes("*")) {
    const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*");
    return texts.some((text) => new RegExp(`^${escaped}$`, "s").test(text));
  }
  const [open, close] = [pattern.startsWith("*"), pattern.endsWith("*")];
  if (open && close) return texts.some((text) => text.includes(inner));
  if (open) return texts.some((text) => text.endsWith(inner));
  return texts.some((text) => (close ? text.startsWith(inner) : text === inner));
}
