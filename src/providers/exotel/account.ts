import { ProviderError } from "../../core/errors.ts";
import { type Budget, createBudget } from "../../lib/budget.ts";
import { type ApiAnswer, requestApi } from "../../lib/provider-api.ts";
import type { ExotelSettings } from "./settings.ts";

/** An account at Exotel's API. */
export type ExotelAccount = {
  name: string;
  /** The full path of a resource of the account. */
  pathOf(rest: string): string;
  get(rest: string, query: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<ApiAnswer>;
};

const usualUrl = "https://api.exotel.com";
/** Exotel allows 200 requests a minute and account, which the account's other users share: we use 7 of 10. */
const perMinute = 200;

export function lacksForPolling({ accountSid, apiKey, apiToken }: ExotelSettings): string | undefined {
  const needed = { accountSid, apiKey, apiToken };
  const missing = Object.entries(needed).flatMap(([name, value]) => (value === undefined ? [name] : []));
  if (missing.length === 0) return undefined;
  return `Exotel cannot be asked for calls without ${missing.join(" and ")}: set what its dashboard shows under API settings.`;
}

/** Makes accounts from settings; equal accounts share a request limit. */
export function createAccounts(): (settings: ExotelSettings, now: () => number) => ExotelAccount {
  const budgets = new Map<string, Budget>();

  return (settings, now) => {
    const { accountSid, apiKey, apiToken, apiUrl = usualUrl } = settings;
    if (accountSid === undefined || apiKey === undefined || apiToken === undefined)
      throw new ProviderError("never", lacksForPolling(settings) ?? "");
    const base = apiUrl.replace(/\/+$/, "");
    const authorization = `Basic ${Buffer.from(`${apiKey}:${apiToken}`).toString("base64")}`;
    const budget = budgetOf(`${base} ${accountSid}`, now);
    const pathOf = (rest: string) => `/v1/Accounts/${encodeURIComponent(accountSid)}/${rest}`;
    return {
      name: `${accountSid} at ${base}`,
      pathOf,
      async get(rest, query, signal) {
        const done = await turnOf(budget, signal);
        try {
          const url = `${base}${pathOf(rest)}?${new URLSearchParams(query)}`;
          return await requestApi({ who: "Exotel", url, headers: { authorization }, signal });
        } finally {
          done();
        }
      },
    };
  };

  function budgetOf(key: string, now: () => number): Budget {
    const budget =
      budgets.get(key) ?? createBudget({ name: "Exotel", limit: perMinute, perMs: 60_000, atOnce: 2, now });
    budgets.set(key, budget);
    return budget;
  }
}

/** Throws the reason of the signal when it aborts, as `fetch` does. */
async function turnOf(budget: Budget, signal: AbortSignal | undefined): Promise<() => void> {
  try {
    return await budget.spend("sync", signal);
  } catch (cause) {
    signal?.throwIfAborted();
    throw cause;
  }
}
