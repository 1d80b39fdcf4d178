import type { Connection, HttpRequest } from "jsforce";
import type { ConnectContext } from "../../src/core/contracts.ts";
import { CrmError } from "../../src/core/errors.ts";
import { unlessAborted } from "../../src/lib/aborted.ts";
import type { Priority } from "../../src/lib/budget.ts";
import { withToken } from "../../src/lib/token.ts";
import { type ExchangeResult, exchange } from "./exchange.ts";
import { createLimits } from "./limits.ts";
import type { SalesforceSettings } from "./settings.ts";
import { tokensOf } from "./sign-in.ts";

/** For whom a piece of work is done, and until when somebody waits for it. */
export type RequestOptions = { priority: Priority; signal?: AbortSignal | undefined };

/**
 * The way to an org. `open` gives jsforce's connection for one piece of work: each of its requests waits for its turn,
 * has a deadline, is sent again once when the token is refused and never otherwise, and fails with `CrmError`.
 */
export type Api = { open(ask: RequestOptions): Promise<Connection> };

export function createApi(settings: SalesforceSettings, context: ConnectContext): Api {
  const { now, onRequest } = context;
  const tokens = tokensOf(settings, context);
  const limits = createLimits(now);
  const heed = (error: unknown): never => {
    throw error instanceof CrmError ? limits.heed(error) : error;
  };

  const open = async ({ priority, signal }: RequestOptions): Promise<Connection> => {
    if (signal?.aborted) throw stopped(signal);
    // Forty megabytes that only an installation with Salesforce needs.
    const { Connection } = await import("jsforce");
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
      return exchange(plain, request, options).catch(heed).finally(done);
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
    // All of jsforce's own helpers (query, upsert, describe …) go through `request`, and only await what it returns.
    connection.request = send as unknown as Connection["request"];
    return connection;
  };

  return { open };
}

/** The work, or a `CrmError` as soon as nobody waits for it any more; a request that is on its way ends by itself. */
export async function unlessStopped<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  if (signal?.aborted) throw stopped(signal);
  return unlessAborted(work(), signal).catch((error: unknown) => {
    throw signal?.aborted && error === signal.reason ? stopped(signal) : error;
  });
}

function stopped({ reason }: AbortSignal): CrmError {
  return new CrmError("later", "Salesforce did not answer in time: nobody waits for it any more", {
    cause: reason,
  });
}
