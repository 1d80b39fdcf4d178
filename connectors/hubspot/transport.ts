import { AsyncLocalStorage } from "node:async_hooks";
import { Agent as PlainAgent } from "node:http";
import { Agent as TlsAgent } from "node:https";
import type { Duplex } from "node:stream";
import type { Client } from "@hubspot/api-client";
import type { ConnectContext } from "../../src/core/crm.ts";
import type { CrmRequest, Token, TokenSource } from "../../src/core/crm-app.ts";
import { CrmError } from "../../src/core/errors.ts";
import { createBudget, type Priority } from "../../src/lib/budget.ts";
import { codeOf } from "../../src/lib/http.ts";
import { unlessAborted } from "../../src/lib/pace.ts";
import { fixedToken, withToken } from "../../src/lib/token.ts";
import { errorOf, type Refused, wordsOf } from "./errors.ts";
import type { HubspotSettings } from "./settings.ts";

export type DescribedRequest = {
  /** How errors begin: "HubSpot, logging calls". */
  what: string;
  priority: Priority;
  signal?: AbortSignal | undefined;
};

/** The requests of one piece of work, each within the account's limits. Both throw `CrmError`. */
export type AccountRequests = {
  signal: AbortSignal | undefined;
  send<T>(call: (client: Client) => Promise<T>): Promise<T>;
  /** For the search, which has limits of its own. */
  search<T>(call: (client: Client) => Promise<T>): Promise<T>;
};

/** The way to one HubSpot account. */
export type Transport = {
  requests(about: DescribedRequest): AccountRequests;
  close(): Promise<void>;
};

/** After this many answers of 429 a request fails. */
const mostTries = 5;

type Attempt<T> = { done: T } | { refused: Refused };
type RequestKind = Exclude<CrmRequest["kind"], "token">;

export function openTransport(
  settings: HubspotSettings,
  context: Pick<ConnectContext, "now" | "onRequest" | "tokens" | "share">,
  deadlineMs = 15_000,
): Transport {
  const { now, share = () => 1, onRequest = () => {} } = context;
  const tokens = context.tokens ?? tokenOf(settings);
  const budgets = {
    // The limit of a marketplace app; HubSpot's headers correct it.
    general: createBudget({
      name: "HubSpot",
      limit: 110,
      perMs: 10_000,
      atOnce: 8,
      now,
      share: () => share(true),
    }),
    // Shared by all apps of the account, and HubSpot sends no headers for it.
    search: createBudget({
      name: "HubSpot's search",
      limit: 5,
      perMs: 1_000,
      atOnce: 5,
      now,
      share: () => share(false),
    }),
  };
  let client: ReturnType<typeof openClient> | undefined;

  const sendOnce = async <T>(
    kind: RequestKind,
    { signal, what }: DescribedRequest,
    token: Token,
    work: (client: Client) => Promise<T>,
  ): Promise<Attempt<T>> => {
    client ??= openClient(settings.apiUrl, settings.apiVersion);
    const { during } = await client;
    const started = performance.now();
    const exchange: HttpExchange = { accessToken: token.accessToken };
    const deadline = AbortSignal.timeout(deadlineMs);
    let status: CrmRequest["status"] = "network";
    try {
      const result = await unlessAborted(during(exchange, work), deadline, signal);
      status = exchange.status ?? 200;
      if (exchange.page) throw notJson(what);
      return { done: result };
    } catch (error) {
      if (deadline.aborted) {
        status = "timeout";
        const late = `${what}: HubSpot did not answer within ${deadlineMs / 1000} s`;
        throw new CrmError("later", late, { cause: error });
      }
      if (signal?.aborted) {
        status = "stopped";
        throw new CrmError("later", `${what}: the answer is no longer needed`, { cause: error });
      }
      status = exchange.status ?? "network";
      if (error instanceof CrmError) throw error;
      return outcomeOf<T>(error, exchange, what);
    } finally {
      onRequest({ kind, status, ms: performance.now() - started });
      if (exchange.headers && kind === "general") budgets.general.learn(quotaOf(exchange.headers));
    }
  };

  const within = async <T>(
    kind: RequestKind,
    request: DescribedRequest,
    work: (client: Client) => Promise<T>,
  ): Promise<T> => {
    const attempt = async (token: Token): Promise<Attempt<T>> => {
      const done = await budgets[kind].spend(request.priority, request.signal);
      try {
        return await sendOnce(kind, request, token, work);
      } finally {
        done();
      }
    };
    for (let tries = 1; ; tries += 1) {
      const outcome = await withToken(
        tokens,
        attempt,
        (result) => "refused" in result && result.refused.status === 401,
      );
      if ("done" in outcome) return outcome.done;
      const { status } = outcome.refused;
      const isGranted = context.tokens !== undefined && status === 401;
      const error = isGranted
        ? grantRefused(outcome.refused, request.what)
        : errorOf(outcome.refused, request.what, now());
      if ([429, 477].includes(status) && error.afterMs !== undefined)
        budgets[kind].pause(now() + error.afterMs, error.message);
      // HubSpot did nothing and says how long to wait: the request is sent again, unless a caller waits for it.
      const again = status === 429 && tries < mostTries && request.priority !== "answer";
      if (!again) throw error;
    }
  };

  return {
    requests: (about) => ({
      signal: about.signal,
      send: (call) => within("general", about, call),
      search: (call) => within("search", about, call),
    }),
    close: async () => (await client)?.close(),
  };
}

/** The client throws for every 2xx that it does not expect; which those are differs by version. */
function outcomeOf<T>(
  error: unknown,
  { accessToken, status, headers = {} }: HttpExchange,
  what: string,
): Attempt<T> {
  const body = bodyOf(error);
  if (status === undefined)
    throw new CrmError("later", `${what}: HubSpot cannot be reached (${codeOf(error) ?? "unknown reason"})`, {
      cause: error,
    });
  if (status >= 200 && status < 300) {
    if (typeof body === "object" && body !== null) return { done: body as T };
    throw notJson(what, error);
  }
  return { refused: { status, body: withoutToken(body, accessToken), headers } };
}

function tokenOf({ token }: HubspotSettings): TokenSource {
  if (token === undefined) throw new Error("a HubSpot account without a token or a grant");
  return fixedToken(token);
}

/** The token is refused after it has been renewed. */
function grantRefused({ status, body }: Refused, what: string): CrmError {
  const why = `HubSpot refuses the access token of the connected account (401${wordsOf(body)})`;
  return new CrmError("later", `${what}: ${why}. If it goes on, connect the account again`, {
    cause: { status },
    afterMs: 60_000,
  });
}

function notJson(what: string, cause?: unknown): CrmError {
  return new CrmError("later", `${what}: HubSpot answered with something that is not JSON`, { cause });
}

/** Removes the token from a body that repeats what HubSpot was sent. */
function withoutToken(body: unknown, token: string): unknown {
  const text = JSON.stringify(body) ?? "null";
  return text.includes(token) ? JSON.parse(text.replaceAll(token, "***")) : body;
}

function bodyOf(error: unknown): unknown {
  return error instanceof Error && "body" in error ? error.body : undefined;
}

function quotaOf(headers: Readonly<Record<string, string>>) {
  const figure = (name: string): number | undefined => {
    const value = Number(headers[`x-hubspot-ratelimit-${name}`] ?? Number.NaN);
    return Number.isFinite(value) ? value : undefined;
  };
  return { limit: figure("max"), remaining: figure("remaining"), perMs: figure("interval-milliseconds") };
}

/** One request and the head of its answer. */
type HttpExchange = {
  accessToken: string;
  status?: number;
  /** By lower-case names. */
  headers?: Record<string, string>;
  /** Whether the body is something else than a JSON object. */
  page?: boolean;
};

/** A connection is closed after this time without a byte. */
const silentMs = 20_000;

/** The client's paths end in 2027; dated ones stay. Other paths are sent as they are. */
const moves: readonly [RegExp, string][] = [
  [/\/crm\/v[34]\/objects\//, "/crm/objects/{v}/"],
  [/\/crm\/v4\/associations\//, "/crm/associations/{v}/"],
  [/\/crm\/v3\/owners(?=[/?]|$)\/?/, "/crm/owners/{v}/"],
  [/\/crm\/v3\/properties\//, "/crm/properties/{v}/"],
  [/\/crm\/v3\/extensions\/calling\//, "/crm/extensions/calling/{v}/"],
];

export function datedUrl(url: string, version: string): string {
  const move = moves.find(([pattern]) => pattern.test(url));
  if (!move) return url;
  return url.replace(move[0], move[1].replace("{v}", version)).replace(/\/(?=\?|$)/, "");
}

type RequestContext = {
  getUrl(): string;
  setUrl(url: string): void;
  setHeaderParam(name: string, value: string): void;
};
type ResponseContext = {
  httpStatusCode: number;
  headers: Record<string, string>;
  body: { text(): Promise<string> };
};

export const loadClient = () => import("@hubspot/api-client");

/**
 * HubSpot's own client for transport and types. Its limiter, retries and token are not used: the whole process shares
 * them. `during` runs work whose requests belong to an exchange.
 */
async function openClient(apiUrl: string, version: string) {
  const { Client: HubspotClient } = await loadClient();
  const exchanges = new AsyncLocalStorage<HttpExchange>();
  const agent = agentFor(apiUrl);
  const client: Client = new HubspotClient({
    basePath: apiUrl,
    httpAgent: agent,
    middleware: [
      {
        pre(given: unknown) {
          const request = given as RequestContext;
          request.setUrl(datedUrl(request.getUrl(), version));
          request.setHeaderParam("Authorization", `Bearer ${exchanges.getStore()?.accessToken}`);
          return request;
        },
        async post(given: unknown) {
          const response = given as ResponseContext;
          const { httpStatusCode: status, headers } = response;
          // The client reads a page that a proxy sends with a success as an empty answer.
          const text = status >= 200 && status < 300 && status !== 204 ? await response.body.text() : "{";
          const page = !text.trimStart().startsWith("{");
          Object.assign(exchanges.getStore() ?? {}, { status, headers, page });
          // Newer versions put the errors of a batch into a plain success, where the client ignores them.
          const whole = status === 200 || status === 201;
          if (whole && text.includes('"errors"')) response.httpStatusCode = 207;
          return response;
        },
      },
    ],
  });
  return {
    during: <T>(exchange: HttpExchange, work: (client: Client) => Promise<T>): Promise<T> =>
      exchanges.run(exchange, () => work(client)),
    close: () => agent.destroy(),
  };
}

/** An agent whose `timeout` closes a silent connection; by default it only emits an event. */
function agentFor(apiUrl: string): PlainAgent | TlsAgent {
  const options = { keepAlive: true, timeout: silentMs, maxFreeSockets: 8 };
  const agent = apiUrl.startsWith("https:") ? new TlsAgent(options) : new PlainAgent(options);
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (...args: Parameters<typeof connect>): Duplex | null | undefined => {
    const socket = connect(...args);
    socket?.on("timeout", () => socket.destroy(new Error(`nothing came for ${silentMs / 1000} s`)));
    return socket;
  };
  return agent;
}
