import { ProviderError } from "../../core/errors.ts";
import type { Span } from "../../core/provider.ts";
import { isObject, type JsonObject, objectsAt, textAt } from "../../lib/body.ts";
import { type ApiAnswer, requestApi } from "../../lib/provider-api.ts";
import type { RetellSettings } from "./settings.ts";

const usualUrl = "https://api.retellai.com";

type RetellQuestion = {
  /** Below `apiUrl`. */
  path: string;
  json?: object;
  /** Statuses that mean "not found". */
  absent?: readonly number[];
  signal?: AbortSignal | undefined;
};

/** Sends a request with the first key, and with the second one when Retell refuses the first. Throws `ProviderError`. */
async function requestRetell(
  { apiKey, apiUrl = usualUrl }: RetellSettings,
  { path, json, absent = [], signal }: RetellQuestion,
): Promise<ApiAnswer> {
  const request = (key: string, absentFor: readonly number[]) =>
    requestApi({
      who: "Retell's API",
      url: `${apiUrl.replace(/\/+$/, "")}${path}`,
      method: json ? "POST" : "GET",
      headers: { authorization: `Bearer ${key}` },
      ...(json && { json }),
      absent: absentFor,
      signal,
    });
  const [first = "", second] = apiKey;
  if (second === undefined) return request(first, absent);
  const answer = await request(first, [...absent, 401, 403]);
  return answer.status === 401 || answer.status === 403 ? request(second, absent) : answer;
}

export function callPath(callId: string): string {
  return `/v2/get-call/${encodeURIComponent(callId)}`;
}

/**
 * A call as the API has it now, with its transcript; undefined for an unknown id, for which the API answers 422
 * (openapi.yaml, 2026-10).
 */
export async function callById(
  settings: RetellSettings,
  callId: string,
  signal: AbortSignal | undefined,
): Promise<JsonObject | undefined> {
  const { status, body } = await requestRetell(settings, {
    path: callPath(callId),
    absent: [404, 422],
    signal,
  });
  return status < 400 && isObject(body) && body["call_id"] === callId ? body : undefined;
}

export const listPath = "/v3/list-calls";

/** The API allows 1,000 a page (openapi.yaml, 2026-10). Fewer, since a page with transcripts is large. */
const pageSize = 50;

/** `next`: the key of the following page; absent on the last one. Entries of `rows` that are not objects are left out. */
export type CallPage = { rows: JsonObject[]; next?: string };

/**
 * A page of the calls that started in a span, the earliest first. Not verified: whether `bt` includes its bounds, so it
 * is one millisecond wider on either side. Throws `ProviderError`.
 */
export async function requestPage(
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
  const { body } = await requestRetell(settings, { path: listPath, json, signal });
  return pageOf(body);
}

/** Older deployments answered with a bare list; the last call's id was the key of the next page. */
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
  // `has_more` is optional in the SDK: without it, a full page with a key is not the last one.
  const more = body["has_more"] ?? (rows.length >= pageSize && next !== undefined);
  if (more !== true) return { rows };
  if (next === undefined)
    throw new ProviderError("later", "Retell's API has more calls, but does not say how to get them");
  return { rows, next };
}
