import { messageOf, ProviderError } from "../core/errors.ts";
import { quoted } from "../core/mask.ts";

/** One request to a provider's API. `who`: for people, in an error. Credentials stand in `headers`, never in `url`. */
export type ApiQuestion = {
  who: string;
  url: string;
  method?: "GET" | "POST";
  headers: Readonly<Record<string, string>>;
  json?: object;
  signal?: AbortSignal | undefined;
  /** Statuses that say that it is not there, answered as 404 is; 404 alone when not told. */
  absent?: readonly number[];
};

/** `body`: the JSON that came. */
export type ApiAnswer = { status: number; headers: Headers; body: unknown };

const timeoutMs = 30_000;
const maxBytes = 32 * 1024 * 1024;
/** What a provider that refuses for its limits asks for when it does not say. */
const usualPauseMs = 60_000;
const longestText = 200;

/**
 * Asks once. Answers 2xx, and what is not there. Throws `ProviderError`: `later` when nobody answers, for limits and
 * for what is no JSON; `never` when the credentials or the question are refused.
 */
export async function askApi({
  who,
  url,
  method = "GET",
  headers,
  json,
  signal,
  absent = [404],
}: ApiQuestion): Promise<ApiAnswer> {
  const limit = AbortSignal.timeout(timeoutMs);
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method,
      headers: {
        accept: "application/json",
        ...(json && { "content-type": "application/json" }),
        ...headers,
      },
      ...(json && { body: JSON.stringify(json) }),
      redirect: "error",
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
    text = await textOf(response, who);
  } catch (cause) {
    if (cause instanceof ProviderError || signal?.aborted) throw cause;
    const why = limit.aborted
      ? `did not answer within ${timeoutMs / 1000} s`
      : `cannot be reached (${codeOf(cause)})`;
    throw new ProviderError("later", `${who} ${why}`, { cause });
  }
  const { status } = response;
  if (!response.ok && !absent.includes(status)) throw refusal(who, response, text);
  return { status, headers: response.headers, body: jsonOf(who, text, absent.includes(status)) };
}

async function textOf(response: Response, who: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > maxBytes)
      throw new ProviderError("never", `${who} answered with more than ${maxBytes / 1_048_576} MB`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function jsonOf(who: string, text: string, isAbsent: boolean): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (isAbsent) return undefined;
    throw new ProviderError("later", `${who} answered something that is not JSON`, { cause });
  }
}

function refusal(who: string, { status, headers }: Response, text: string): ProviderError {
  const said = text.replace(/\s+/g, " ").trim().slice(0, longestText);
  const why = said ? `: ${quoted(said)}` : "";
  if (status === 401 || status === 403)
    return new ProviderError(
      "never",
      `${who} refuses our credentials (${status}); check them in the installation's settings${why}`,
    );
  if (status === 429)
    return new ProviderError("later", `${who} limits our requests (429)`, {
      afterMs: retryAfter(headers) ?? usualPauseMs,
    });
  const retry = status >= 500 || status === 408 || status === 425 ? "later" : "never";
  const afterMs = retryAfter(headers);
  return new ProviderError(retry, `${who} answered ${status}${why}`, {
    ...(afterMs !== undefined && { afterMs }),
  });
}

/** Seconds, or a date. */
function retryAfter(headers: Headers): number | undefined {
  const said = headers.get("retry-after");
  if (said === null) return undefined;
  const ms = /^\d+$/.test(said) ? Number(said) * 1000 : Date.parse(said) - Date.now();
  return Number.isFinite(ms) && ms > 0 ? ms : undefined;
}

function codeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && "code" in cause
    ? String(cause.code)
    : quoted(messageOf(error), longestText);
}
