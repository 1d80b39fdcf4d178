import type { Connection, HttpRequest, HttpResponse } from "jsforce";
import type { CrmRequest } from "../../src/core/contracts.ts";
import { CrmError } from "../../src/core/errors.ts";
import { answerFailure, networkFailure } from "./errors.ts";

/** `refused`: the token was. */
export type ExchangeResult = { answer: unknown } | { refused: CrmError };
/** jsforce's own way of sending, with what we want to hear of it. */
export type Exchange = {
  connection: Connection;
  send: Connection["request"];
  now: () => number;
  onRequest: ((request: CrmRequest) => void) | undefined;
  onAnswer: (headers: Readonly<Record<string, string>>) => void;
};

const timeoutMs = 15_000;
/** jsforce sends five times by itself, and waits half an hour. */
const limits = { timeout: timeoutMs, retry: { maxRetries: 0, methods: [] }, followRedirect: false };

/** One request, sent once. Throws `CrmError`. */
export async function exchange(
  { connection, send, now, onRequest, onAnswer }: Exchange,
  request: string | HttpRequest,
  options: object,
): Promise<ExchangeResult> {
  const kind = pathOf(request).includes("/search") ? "search" : "general";
  const started = now();
  const note = (status: CrmRequest["status"]) => onRequest?.({ kind, status, ms: now() - started });
  let response: HttpResponse | undefined;
  const arrived = (answer: HttpResponse): void => {
    response = answer;
    onAnswer(answer.headers);
    note(answer.statusCode);
  };
  // jsforce's errors do not tell the status and the headers of an answer.
  const transport = {
    httpRequest(...sent: Parameters<typeof connection._transport.httpRequest>) {
      const answer = connection._transport.httpRequest(...sent);
      answer.then(arrived, () => {});
      return answer;
    },
  };
  try {
    const answer: unknown = await inTime(send(request, { ...options, ...limits, transport }));
    if (typeof answer !== "string") return { answer };
  } catch (cause) {
    if (!response) {
      const failure = networkFailure(cause, timeoutMs);
      note(failure.status);
      throw failure.error;
    }
    const failure = answerFailure(response.statusCode, cause);
    if (response.statusCode === 401) return { refused: failure };
    throw failure;
  }
  throw new CrmError("later", "Salesforce answered with a page instead of data: it may be under maintenance");
}

/** jsforce's own deadline ends with the headers of an answer; this one with its last byte. */
async function inTime<T>(work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new DOMException("no answer in time", "TimeoutError")), timeoutMs);
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
}

function pathOf(request: string | HttpRequest): string {
  const [path = ""] = (typeof request === "string" ? request : request.url).split("?");
  return path;
}
