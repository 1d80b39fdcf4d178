import type { Scalar } from "../core/call.ts";
import type { Path } from "./path.ts";
import type { View } from "./view.ts";

/** What a path says about a view, in the path's own type; undefined when it is absent, empty or of another type. */
export function readPath({ type, get }: Path, view: View): Scalar | undefined {
  const value = get(view);
  switch (type) {
    case "number":
      return finite(value);
    case "boolean":
      return typeof value === "boolean" ? value : undefined;
    case "datetime":
      return typeof value === "string" && !Number.isNaN(Date.parse(value)) ? cleanText(value) : undefined;
    case "any":
      return typeof value === "boolean" ? value : (finite(value) ?? cleanText(value));
    default:
      return cleanText(typeof value === "number" ? finite(value)?.toString() : value);
  }
}

/** Trimmed, without NULs and broken surrogates, which neither PostgreSQL nor the CRMs take; undefined when nothing is left. */
export function cleanText(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  const text = value.replaceAll("\0", "").trim();
  return (text.isWellFormed() ? text : text.toWellFormed()) || undefined;
}

function finite(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}
