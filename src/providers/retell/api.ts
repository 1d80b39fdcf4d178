import { isObject, type JsonObject } from "../../lib/body.ts";
import { type ApiAnswer, askApi } from "../../lib/provider-api.ts";
import type { RetellSettings } from "./settings.ts";

const usualUrl = "https://api.retellai.com";

/** `path`: below `apiUrl`. `absent`: statuses that say that there is no such thing. */
export type RetellQuestion = {
  path: string;
  json?: object;
  absent?: readonly number[];
  signal?: AbortSignal | undefined;
};

/** Asks with the first key, and with the second one when Retell refuses the first. Throws `ProviderError`. */
export async function askRetell(
  { apiKey, apiUrl = usualUrl }: RetellSettings,
  { path, json, absent = [], signal }: RetellQuestion,
): Promise<ApiAnswer> {
  const ask = (key: string, absentFor: readonly number[]) =>
    askApi({
      who: "Retell's API",
      url: `${apiUrl.replace(/\/+$/, "")}${path}`,
      method: json ? "POST" : "GET",
      headers: { authorization: `Bearer ${key}` },
      ...(json && { json }),
      absent: absentFor,
      signal,
    });
  const [first = "", second] = apiKey;
  if (second === undefined) return ask(first, absent);
  const answer = await ask(first, [...absent, 401, 403]);
  return answer.status === 401 || answer.status === 403 ? ask(second, absent) : answer;
}

export function callPath(callId: string): string {
  return `/v2/get-call/${encodeURIComponent(callId)}`;
}

/** A call as the API knows it now, transcript included; undefined when it has none of that id, which is a 422 (openapi.yaml, 2026-10). */
export async function callById(
  settings: RetellSettings,
  callId: string,
  signal: AbortSignal | undefined,
): Promise<JsonObject | undefined> {
  const { status, body } = await askRetell(settings, { path: callPath(callId), absent: [404, 422], signal });
  return status < 400 && isObject(body) && body["call_id"] === callId ? body : undefined;
}
