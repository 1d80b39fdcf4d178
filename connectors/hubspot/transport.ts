import { AsyncLocalStorage } from "node:async_hooks";
import { Agent as PlainAgent } from "node:http";
import { Agent as TlsAgent } from "node:https";
import type { Duplex } from "node:stream";
import type { Client } from "@hubspot/api-client";
import type { ConnectContext, CrmRequest } from "../../src/core/contracts.ts";
import { CrmError } from "../../src/core/errors.ts";
import { unlessAborted } from "../../src/lib/aborted.ts";
import { createBudget, type Priority } from "../../src/lib/budget.ts";
import { fixedToken, type Token, type TokenSource, withToken } from "../../src/lib/token.ts";
import { errorOf, type Refused, wordsOf } from "./errors.ts";
import type { HubspotSettings } from "./settings.ts";

/** `what`: for people, in an error: "HubSpot, logging calls". */
export type DescribedRequest = { what: string; priority: Priority; signal?: AbortSignal | undefined };

/** One HubSpot account. `ask` and `search` do one request within the account's limits; both throw `CrmError`. */
export type Transport = {
  ask<T>(asking: DescribedRequest, work: (client: Client) => Promise<T>): Promise<T>;
  search<T>(asking: DescribedRequest, work: (client: Client) => Promise<T>): Promise<T>;
  close(): Promise<void>;
};

/** A request that is asked to wait so often is given back. */
const mostTries = 5;

type Attempt<T> = { done: T } | { refused: Refused };
type RequestKind = Exclude<CrmRequest["kind"], "token">;

/** `deadlineMs`: an answer that takes longer is not waited for. */
export function openTransport(
  settings: HubspotSettings,
  context: Pick<ConnectContext, "now" | "onRequest" | "tokens">,
  deadlineMs = 15_000,
): Transport {
  const { now, onRequest = () => {} } = context;
  const tokens = context.tokens ?? tokenOf(settings);
  const budgets = {
    // What a marketplace app may; HubSpot's headers correct it.
    general: createBudget({ name: "HubSpot", limit: 110, perMs: 10_000, atOnce: 8, now }),
    // Shared by all apps of the account, and HubSpot sends no headers for it.
    search: createBudget({ name: "HubSpot's search", limit: 5, perMs: 1_000, atOnce: 5, now }),
  };
  let client: ReturnType<typeof openClient> | undefined;

  const send = async <T>(
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
        throw new CrmError("later", `${what}: nobody waits for HubSpot's answer any more`, { cause: error });
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
    asking: DescribedRequest,
    work: (client: Client) => Promise<T>,
  ): Promise<T> => {
    const attempt = async (token: Token): Promise<Attempt<T>> => {
      const done = await budgets[kind].spend(asking.priority, asking.signal);
      try {
        return await send(kind, asking, token, work);
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
        ? grantRefused(outcome.refused, asking.what)
        : errorOf(outcome.refused, asking.what, now());
      if ([429, 477].includes(status) && error.afterMs !== undefined)
        budgets[kind].pause(now() + error.afterMs, error.message);
      // Nothing was done, and the wait is known: unless a caller waits, the same request goes again in its turn.
      const again = status === 429 && tries < mostTries && asking.priority !== "answer";
      if (!again) throw error;
    }
  };

  return {
    ask: (asking, work) => within("general", asking, work),
    search: (asking, work) => within("search", asking, work),
    close: async () => (await client)?.close(),
  };
}

/** The client throws for every 2xx that it does not expect of a call; HubSpot's versions differ in them. */
function outcomeOf<T>(
  error: unknown,
  { accessToken, status, headers = {} }: HttpExchange,
  what: string,
): Attempt<T> {
  const body = bodyOf(error);
  if (status === undefined)
    throw new CrmError("later", `${what}: HubSpot cannot be reached (${codeOf(error)})`, { cause: error });
  if (status >= 200 && status < 300) {
    if (typeof body === "object" && body !== null) return { done: body as T };
    throw notJson(what, error);
  }
  return { refused: { status, body: withoutToken(body, accessToken), headers } };
}

function tokenOf({ token }: HubspotSettings): TokenSource {
  if (token === undefined) throw new Error("a HubSpot account with neither a token nor a grant");
  return fixedToken(token);
}

/** Whoever keeps the grant was asked for a newer token in between. */
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

/** Whatever HubSpot repeats of what it was sent, a reason never holds the token. */
function withoutToken(body: unknown, token: string): unknown {
  const text = JSON.stringify(body) ?? "null";
  return text.includes(token) ? JSON.parse(text.replaceAll(token, "***")) : body;
}

function bodyOf(error: unknown): unknown {
  return error instanceof Error && "body" in error ? error.body : undefined;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown reason";
}

function quotaOf(headers: Readonly<Record<string, string>>) {
  const figure = (name: string): number | undefined => {
    const value = Number(headers[`x-hubspot-ratelimit-${name}`] ?? Number.NaN);
    return Number.isFinite(value) ? value : undefined;
  };
  return { limit: figure("max"), remaining: figure("remaining"), perMs: figure("interval-milliseconds") };
}

/**
 * What one request is sent with, and what its answer's head says. `headers`: lower-case names. `page`: no JSON object
 * came.
 */
type HttpExchange = {
  accessToken: string;
  status?: number;
  headers?: Record<string, string>;
  page?: boolean;
};

/** Nothing came for so long: the connection is given up, not only waited for no longer. */
const silentMs = 20_000;

/** The client's paths end in 2027; the dated ones stay. Anything else keeps its path. */
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

/**
 * HubSpot's own client for transport and types, without its limiter, retry and token: those are shared by the whole
 * process. `during` runs work whose requests use that exchange.
 */
async function openClient(apiUrl: string, version: string) {
  const { Client: HubspotClient } = await import("@hubspot/api-client");
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
          // Of a page that some proxy sends with a success the client makes an empty answer.
          const text = status >= 200 && status < 300 && status !== 204 ? await response.body.text() : "{";
          const page = !text.trimStart().startsWith("{");
          Object.assign(exchanges.getStore() ?? {}, { status, headers, page });
          // Newer versions put the errors of a batch into a plain success, where the client drops them.
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

/** An agent whose `timeout` ends a silent connection; by itself it would only tell. */
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
