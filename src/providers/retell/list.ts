import { ProviderError } from "../../core/errors.ts";
import type { Span } from "../../core/polling.ts";
import { isObject, type JsonObject, objectsAt, textAt } from "../../lib/body.ts";
import { askRetell } from "./api.ts";
import type { RetellSettings } from "./settings.ts";

export const listPath = "/v3/list-calls";

/** The list may have 1,000 a page (openapi.yaml, 2026-10). Fewer, so that a page with transcripts is no burden either. */
const pageSize = 50;

/** `next`: the key of the following page; absent on the last one. Whatever is no object is left out of `rows`. */
export type CallPage = { rows: JsonObject[]; next?: string };

/**
 * The page of the calls that started in a span, the earliest first. Not verified: whether the bounds of `bt` are in the
 * range, so it is one millisecond wider on either side. Throws `ProviderError`.
 */
export async function askPage(
  settings: RetellSettings,
  { since, until }: Span,
  key: string | undefined,
  signal: AbortSignal | undefined,
): Promise<CallPage> {
  const value = [Date.parse(since) - 1, Date.parse(until)];
  const json = {
    filter_criteria: { start_timestamp: { type: "range", op: "bt", value } },
    sort_order: "ascending",
    limit: pageSize,
    ...(key !== undefined && { pagination_key: key }),
  };
  const { body } = await askRetell(settings, { path: listPath, json, signal });
  return pageOf(body);
}

/** A bare list is what older deployments answered; the last call's id was the key of the next page. */
function pageOf(body: unknown): CallPage {
  if (Array.isArray(body)) {
    const rows = body.filter(isObject);
    const last = rows.at(-1);
    const next = body.length < pageSize || !last ? undefined : textAt(last, "call_id");
    return { rows, ...(next !== undefined && { next }) };
  }
  if (!isObject(body) || (!Array.isArray(body["items"]) && body["has_more"] !== false))
    throw new ProviderError("later", "Retell's API answered something that is no list of calls");
  const rows = objectsAt(body, "items");
  const next = textAt(body, "pagination_key");
  // The SDK has `has_more` as optional: a full page with a key is not the last one then.
  const more = body["has_more"] ?? (rows.length >= pageSize && next !== undefined);
  if (more !== true) return { rows };
  if (next === undefined)
    throw new ProviderError("later", "Retell's API has more calls, but does not say how to ask for them");
  return { rows, next };
}
