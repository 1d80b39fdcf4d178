import { ProviderError } from "../../core/errors.ts";
import { isCallId, isObject, type JsonObject, objectAt, textAt } from "../../lib/body.ts";
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

/** A call from the API, with its own id. */
export type BulkRow = { sid: string; fields: JsonObject };

/**
 * The pages of the bulk Calls API, the earliest call first. `details` is not documented there; public clients send it
 * and receive the legs. Where it has no effect, Call Details returns them.
 */
export async function* pagesOf(
  account: ExotelAccount,
  filter: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): AsyncGenerator<BulkRow[]> {
  const fixed = { ...filter, PageSize: "100", SortBy: "DateCreated:asc", details: "true" };
  const seen = new Set<string>();
  let before: ReadonlySet<string> = new Set();
  for (let after: string | undefined = ""; after !== undefined; ) {
    const answer = await account.get("Calls.json", { ...fixed, ...(after && { After: after }) }, signal);
    if (answer.status === 404)
      throw new ProviderError(
        "never",
        `Exotel knows no account ${account.name}: check accountSid, and apiUrl (https://api.in.exotel.com for accounts in Mumbai)`,
      );
    const { rows, empty } = rowsOf(answer.body);
    const fresh = rows.filter(({ sid }) => !before.has(sid));
    if (fresh.length > 0) yield fresh;
    before = new Set(rows.map(({ sid }) => sid));
    after = empty ? undefined : cursorOf(answer.body);
    if (after !== undefined && seen.has(after))
      throw new ProviderError("later", "Exotel's pages of calls lead back to one that was read already");
    if (after !== undefined) seen.add(after);
  }
}

/** One call with its legs; undefined when the API does not know it. */
export async function detailsOf(
  account: ExotelAccount,
  sid: string,
  signal?: AbortSignal,
): Promise<BulkRow | undefined> {
  const { status, body } = await account.get(
    `Calls/${encodeURIComponent(sid)}.json`,
    { details: "true" },
    signal,
  );
  const row = status === 404 ? undefined : rowOf(body);
  return row?.sid === sid ? row : undefined;
}

/** Entries that are not calls are left out. */
function rowsOf(body: unknown): { rows: BulkRow[]; empty: boolean } {
  const calls = isObject(body) ? body["Calls"] : undefined;
  if (!Array.isArray(calls)) throw new ProviderError("later", "Exotel answered without a list of calls");
  return { rows: calls.flatMap((call) => rowOf(call) ?? []), empty: calls.length === 0 };
}

/**
 * A call, in its `Call` or bare, identified by its `Sid` alone. Its pre-signed link gives anyone access to the
 * recording and expires within minutes: it is not stored.
 */
function rowOf(value: unknown): BulkRow | undefined {
  if (!isObject(value)) return undefined;
  const inner = objectAt(value, "Call");
  const { PreSignedRecordingUrl, CallSid, call_sid, ...fields } = Object.hasOwn(inner, "Sid") ? inner : value;
  const raw = fields["Sid"];
  const sid = typeof raw === "string" ? raw.trim() : textAt(fields, "Sid");
  return sid && sid !== "null" && isCallId(sid) ? { sid, fields } : undefined;
}

/** Only the cursor of the next page's address is used: a response must not decide where our credentials are sent. */
function cursorOf(body: unknown): string | undefined {
  const next = isObject(body) ? textAt(objectAt(body, "Metadata"), "NextPageUri") : undefined;
  if (next === undefined) return undefined;
  const after = new URLSearchParams(next.slice(next.indexOf("?") + 1)).get("After");
  if (!after) throw new ProviderError("never", "Exotel names a next page of calls, but not where it begins");
  return after;
}
