import { ProviderError } from "../core/errors.ts";
import { quoted } from "../core/mask.ts";
import { type Delivery, type PollContext, polledMethod } from "../core/provider.ts";
import { type HttpReply, isSuccess, NoReply, retryAfterMs, sendOnce } from "./http.ts";

/** One request to a provider's API. Credentials stand in `headers`, never in `url`. */
export type ApiQuestion = {
  /** The API's name in errors. */
  who: string;
  url: string;
  method?: "GET" | "POST";
  headers: Readonly<Record<string, string>>;
  json?: object;
  signal?: AbortSignal | undefined;
  /** Statuses of a resource that does not exist, which are no errors; 404 when absent. */
  absent?: readonly number[];
};

export type ApiAnswer = {
  status: number;
  headers: Headers;
  /** The JSON of the answer. */
  body: unknown;
};

const timeoutMs = 30_000;
const maxBytes = 32 * 1024 * 1024;
/** The pause after a 429 without `Retry-After`. */
const usualPauseMs = 60_000;
const longestText = 200;

/**
 * Sends a request once and returns an answer of 2xx or of an `absent` status. Throws `ProviderError`: `later` when there
 * is no answer, for limits and for an answer that is not JSON; `never` when the credentials or the request are refused.
 */
export async function requestApi(question: ApiQuestion): Promise<ApiAnswer> {
  const { who, absent = [404], ...request } = question;
  const reply = await sendOnce({ ...request, timeoutMs, maxBytes }).catch((error) => {
    throw error instanceof NoReply ? noAnswer(who, error) : error;
  });
  const { status, headers, text } = reply;
  const isAbsent = absent.includes(status);
  if (!isSuccess(reply) && !isAbsent) throw refusal(who, reply);
  return { status, headers, body: jsonOf(who, text, isAbsent) };
}

/** What a provider's API reported, as the delivery that a webhook would have brought. `url`: its path there. */
export function polledDelivery(
  provider: string,
  url: string,
  content: object,
  { installation, now }: Pick<PollContext, "installation" | "now">,
): Delivery {
  return {
    installation,
    provider,
    receivedAt: new Date(now()).toISOString(),
    method: polledMethod,
    url,
    headers: { "content-type": "application/json" },
    body: Buffer.from(JSON.stringify(content)),
  };
}

/** A request that was stopped fails with what stopped it. */
function noAnswer(who: string, { reason, message, cause }: NoReply): unknown {
  if (reason === "aborted") return cause;
  return new ProviderError(reason === "oversized" ? "never" : "later", `${who} ${message}`, { cause });
}

function jsonOf(who: string, text: string, isAbsent: boolean): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (isAbsent) return undefined;
    throw new ProviderError("later", `${who} answered something that is not JSON`, { cause });
  }
}

function refusal(who: string, { status, headers, text }: HttpReply): ProviderError {
  const afterMs = retryAfterMs(headers.get("retry-after"), Date.now());
  const words = text.replace(/\s+/g, " ").trim().slice(0, longestText);
  const why = words ? `: ${quoted(words)}` : "";
  if (status === 401 || status === 403)
    return new ProviderError(
      "never",
      `${who} refuses our credentials (${status}); check them in the installation's settings${why}`,
    );
  if (status === 429)
    return new ProviderError("later", `${who} limits our requests (429)`, {
      afterMs: afterMs || usualPauseMs,
    });
  const retry = status >= 500 || status === 408 || status === 425 ? "later" : "never";
  return new ProviderError(retry, `${who} answered ${status}${why}`, {
    ...(afterMs && { afterMs }),
  });
}
