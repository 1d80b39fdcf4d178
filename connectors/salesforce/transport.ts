import type { Connection, HttpRequest, HttpResponse } from "jsforce";
import type { ConnectContext } from "../../src/core/crm.ts";
import type { CrmRequest } from "../../src/core/crm-app.ts";
import { CrmError } from "../../src/core/errors.ts";
import { isObject, type JsonObject, numberAt, objectsAt, textAt } from "../../src/lib/body.ts";
import { createBudget, type Priority } from "../../src/lib/budget.ts";
import { unlessAborted } from "../../src/lib/pace.ts";
import { withToken } from "../../src/lib/token.ts";
import { answerFailure, faultsOf, limitPauseMs, networkFailure } from "./errors.ts";
import type { SalesforceSettings } from "./settings.ts";
import { tokensOf } from "./sign-in.ts";

/** How all requests of one piece of work are sent. */
export type RequestOptions = { priority: Priority; signal?: AbortSignal | undefined };

/**
 * The requests of one org. `open` returns jsforce's connection for one piece of work: each of its requests waits for its
 * turn, has a deadline, is sent again only when the token is refused, once, and fails with `CrmError`.
 */
export type OrgTransport = { open(request: RequestOptions): Promise<Connection> };

/** Forty megabytes, which only an installation with Salesforce needs. */
export const loadClient = () => import("jsforce");

export function openTransport(settings: SalesforceSettings, context: ConnectContext): OrgTransport {
  const { now, onRequest } = context;
  const tokens = tokensOf(settings, context);
  const limits = createLimits(context);
  const fail = (error: unknown): never => {
    throw error instanceof CrmError ? limits.pauseAfter(error) : error;
  };

  const open = async ({ priority, signal }: RequestOptions): Promise<Connection> => {
    if (signal?.aborted) throw stopped(signal);
    const { Connection } = await loadClient();
    const { accessToken, url = "" } = await tokens.current();
    const instanceUrl = settings.apiUrl ?? url;
    const connection = new Connection({ instanceUrl, accessToken, version: settings.apiVersion });
    const plain = {
      connection,
      send: connection.request.bind(connection),
      now,
      onRequest,
      onAnswer: limits.learn,
    };

    const inTurn = async (
      token: string,
      request: string | HttpRequest,
      options: object,
    ): Promise<ExchangeResult> => {
      const done = await limits.turn(priority, signal);
      connection.accessToken = token;
      return exchange(plain, request, options).catch(fail).finally(done);
    };
    const send = async (request: string | HttpRequest, options: object = {}): Promise<unknown> => {
      const outcome = await withToken(
        tokens,
        (token) => inTurn(token.accessToken, request, options),
        (result) => "refused" in result,
      );
      if ("refused" in outcome) throw outcome.refused;
      return outcome.answer;
    };
    // All helpers of jsforce (query, upsert, describe …) call `request` and await its result.
    connection.request = send as unknown as Connection["request"];
    return connection;
  };

  return { open };
}

/** The work, or a `CrmError` as soon as the signal aborts; a request that is on its way ends by itself. */
export async function unlessStopped<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  if (signal?.aborted) throw stopped(signal);
  return unlessAborted(work(), signal).catch((error: unknown) => {
    throw signal?.aborted && error === signal.reason ? stopped(signal) : error;
  });
}

function stopped({ reason }: AbortSignal): CrmError {
  return new CrmError("later", "Salesforce did not answer in time, and the answer is no longer needed", {
    cause: reason,
  });
}

/** `refused`: because of the token. */
type ExchangeResult = { answer: unknown } | { refused: CrmError };
type Exchange = {
  connection: Connection;
  /** jsforce's own way of sending. */
  send: Connection["request"];
  now: () => number;
  onRequest: ((request: CrmRequest) => void) | undefined;
  onAnswer: (headers: Readonly<Record<string, string>>) => void;
};

const timeoutMs = 15_000;
/** By default jsforce sends five times, and waits half an hour. */
const jsforceOptions = { timeout: timeoutMs, retry: { maxRetries: 0, methods: [] }, followRedirect: false };

/** One request, sent once. Throws `CrmError`. */
async function exchange(
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
  // jsforce's errors lack the status and the headers of an answer.
  const transport = {
    httpRequest(...sent: Parameters<typeof connection._transport.httpRequest>) {
      const answer = connection._transport.httpRequest(...sent);
      answer.then(arrived, () => {});
      return answer;
    },
  };
  try {
    const answer: unknown = await inTime(send(request, { ...options, ...jsforceOptions, transport }));
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

/** The requests that the org still accepts. */
type OrgLimits = {
  /** Waits for its turn; call what it returns when the request is over. Throws `CrmError("later")`. */
  turn(priority: Priority, signal: AbortSignal | undefined): Promise<() => void>;
  /** Reads the day's limit from an answer. */
  learn(headers: Readonly<Record<string, string>>): void;
  /** The same failure. One that reports an exceeded limit pauses further requests, and says until when. */
  pauseAfter(failure: CrmError): CrmError;
};

const concurrentPauseMs = 5_000;
/** The last tenth of the day's requests is left to calls. */
const shareOfSync = 0.9;

function createLimits({ now, share = () => 1 }: Pick<ConnectContext, "now" | "share">): OrgLimits {
  // Our own choice, low enough not to slow down the org's other programs.
  const budget = createBudget({
    name: "Salesforce",
    limit: 50,
    perMs: 1_000,
    atOnce: 5,
    now,
    share: () => share(false),
  });
  let usage: { used: number; limit: number; at: number } | undefined;

  /** An old figure does not count: the window of 24 hours rolls, and only a request brings a new figure. */
  const refuseSync = (): void => {
    if (!usage || now() - usage.at >= limitPauseMs || usage.used < usage.limit * shareOfSync) return;
    const cause = `Salesforce counts ${usage.used} of the org's ${usage.limit} requests in 24 hours`;
    const message = `${cause}: the rest is left to calls, contacts are read again in ${limitPauseMs / 60_000} minutes`;
    throw new CrmError("later", message, { afterMs: limitPauseMs });
  };

  return {
    async turn(priority, signal) {
      if (priority === "sync") refuseSync();
      return budget.spend(priority, signal);
    },
    learn(headers) {
      const info = headers["sforce-limit-info"] ?? "";
      const [, used, limit] = /(?:^|[\s,;])api-usage=(\d+)\/(\d+)/.exec(info) ?? [];
      if (used && limit) usage = { used: Number(used), limit: Number(limit), at: now() };
    },
    pauseAfter(failure) {
      const fault = faultsOf(failure).find(({ code }) => code === "REQUEST_LIMIT_EXCEEDED");
      if (!fault) return failure;
      const pauseMs = /concurrent/i.test(fault.message) ? concurrentPauseMs : limitPauseMs;
      const until = now() + pauseMs;
      const counted = usage ? `, ${usage.used} of ${usage.limit} in 24 hours` : "";
      const reason = `Salesforce takes no more requests for now (REQUEST_LIMIT_EXCEEDED${counted})`;
      budget.pause(until, reason);
      const message = `${reason}; it is asked again at ${new Date(until).toISOString()}`;
      return new CrmError("later", message, { afterMs: pauseMs, cause: failure.cause });
    },
  };
}

/** Longest list of values in one query, encoded for a URL: Salesforce takes about 16,000 characters in all. */
const longestList = 9_000;
const mostRecords = 50_000;

/** A text as a SOQL literal. */
export function literal(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&").replace(/[\r\n\t]/g, " ")}'`;
}

/** Lists of literals, each short enough for one query. */
export function inLists(values: readonly string[], longest = longestList): string[] {
  const lists: string[] = [];
  let list = "";
  let length = 0;
  for (const text of new Set(values)) {
    const item = literal(text);
    const size = encodeURIComponent(item).length + 3;
    if (list !== "" && length + size > longest) {
      lists.push(list);
      list = "";
      length = 0;
    }
    list += list === "" ? item : `,${item}`;
    length += size;
  }
  return list === "" ? lists : [...lists, list];
}

/** All records of a query. `deletedToo`: also records in the recycle bin, and archived activities. */
export async function queryAll(
  connection: Connection,
  soql: string,
  deletedToo = false,
): Promise<JsonObject[]> {
  const options = { autoFetch: true, maxFetch: mostRecords, scanAll: deletedToo };
  const { records } = await connection.query(soql, options);
  return records.filter(isObject);
}

/** Several queries in one request; the first records of each. */
export async function queryTogether(
  connection: Connection,
  soqls: readonly string[],
): Promise<JsonObject[][]> {
  const compositeRequest = soqls.map((soql, i) => ({
    method: "GET",
    url: `/services/data/v${connection.version}/query?q=${encodeURIComponent(soql)}`,
    referenceId: `q${i}`,
  }));
  const answer = await connection.requestPost<unknown>("/composite", { allOrNone: false, compositeRequest });
  const replies = isObject(answer) ? objectsAt(answer, "compositeResponse") : [];
  return soqls.map((_, i) => {
    const reply = replies.find((one) => textAt(one, "referenceId") === `q${i}`) ?? {};
    const status = numberAt(reply, "httpStatusCode") ?? 503;
    const { body } = reply;
    if (status >= 400 || !isObject(body)) throw answerFailure(status, asThrown(body));
    return objectsAt(body, "records");
  });
}

/** A part's error as jsforce would have thrown it for a request of its own. */
function asThrown(data: unknown): Error {
  return Object.assign(new Error("a part of a composite request failed"), { errorCode: "", data });
}
