import { AsyncLocalStorage } from "node:async_hooks";
import { Agent as PlainAgent } from "node:http";
import { Agent as TlsAgent } from "node:https";
import type { Duplex } from "node:stream";
import type { Client } from "@hubspot/api-client";

/**
 * What one request is sent with, and what its answer's head says. `headers`: lower-case names. `page`: no JSON object
 * came.
 */
export type HttpExchange = {
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
export async function openClient(apiUrl: string, version: string) {
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
