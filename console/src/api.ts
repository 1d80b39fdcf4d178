import type { CallDetail } from "../../src/routes/call-detail.ts";
import type { ListedCalls } from "../../src/routes/call-pages.ts";
import type { CallSummary } from "../../src/routes/call-summary.ts";
import type { Checklist, CrmChecks, TestWebhook } from "../../src/routes/checklist.ts";
import type { ListedContact } from "../../src/routes/contacts.ts";
import type { RawDelivery } from "../../src/routes/deliveries.ts";
import type { InstallationSummary } from "../../src/routes/installations.ts";
import type { SessionInfo } from "../../src/routes/sessions.ts";

export type {
  CallDetail,
  CallSummary,
  Checklist,
  InstallationSummary,
  ListedCalls,
  ListedContact,
  RawDelivery,
  SessionInfo,
  TestWebhook,
};

/** The path that the console is served under, with a slash at its end. A proxy may have added a part to it. */
export const base = new URL(document.baseURI).pathname;

/** A refusal of the server, or `status` 0 when it did not answer. */
export class ApiError extends Error {
  readonly status: number;
  /** The body of the answer. */
  readonly answer: unknown;

  constructor(status: number, message: string, options?: ErrorOptions & { answer?: unknown }) {
    super(message, options);
    this.status = status;
    this.answer = options?.answer;
  }
}

type Method = "GET" | "POST" | "PUT" | "DELETE";

/**
 * Calls a route of the API and returns its JSON. Throws `ApiError`. A session that has ended leads to the login page. `body`:
 * sent as JSON; a text is JSON already.
 */
export async function api<T>(path: string, method: Method = "GET", body?: unknown): Promise<T> {
  const response = await request(path, {
    method,
    headers: {
      accept: "application/json",
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const answer: unknown = await response.json().catch(() => undefined);
  if (response.ok) return answer as T;
  if (response.status === 401) toLogin();
  throw new ApiError(response.status, errorIn(answer) ?? response.statusText, { answer });
}

async function request(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(base + path, init);
  } catch (cause) {
    throw new ApiError(0, String(cause), { cause });
  }
}

function errorIn(answer: unknown): string | undefined {
  if (typeof answer !== "object" || answer === null || !("error" in answer)) return undefined;
  return String(answer.error);
}

function toLogin(): void {
  const here = location.pathname.slice(base.length - 1) + location.search;
  location.assign(`${base}login?next=${encodeURIComponent(here)}`);
}

export function installations(): Promise<{ items: InstallationSummary[] }> {
  return api("api/installations");
}

/** `filter`: the query of `GET /api/calls`. */
export function calls(filter: URLSearchParams): Promise<ListedCalls> {
  return api(`api/calls?${filter}`);
}

export function call(key: string): Promise<CallDetail> {
  return api(`api/calls/${encodeURIComponent(key)}`);
}

export function retry(key: string): Promise<unknown> {
  return api(`api/calls/${encodeURIComponent(key)}/retry`, "POST");
}

export function replay(key: string): Promise<{ deliveries: number }> {
  return api(`api/calls/${encodeURIComponent(key)}/replay`, "POST");
}

/** Links a call to another contact. */
export function chooseContact(key: string, { kind, id }: { kind: string; id: string }): Promise<unknown> {
  return api(`api/calls/${encodeURIComponent(key)}/contact`, "POST", { kind, id });
}

export function contacts(installation: string, text: string): Promise<{ items: ListedContact[] }> {
  return api(`api/installations/${installation}/contacts?q=${encodeURIComponent(text)}`);
}

export function delivery(id: number): Promise<RawDelivery> {
  return api(`api/deliveries/${id}`);
}

export function checklist(installation: string): Promise<Checklist> {
  return api(`api/installations/${installation}/checklist`);
}

/** Asks the CRM whether it takes what the mapping gives it. */
export function checkCrm(installation: string): Promise<CrmChecks> {
  return api(`api/installations/${installation}/check`, "POST");
}

export function sendTestWebhook(installation: string, provider: string): Promise<TestWebhook> {
  return api(`api/installations/${installation}/providers/${provider}/test`, "POST");
}

export function session(): Promise<SessionInfo> {
  return api("api/session");
}

/** Ends the session of this browser, and leads to the login page. */
export async function signOut(): Promise<void> {
  await request("logout", { method: "POST" });
  location.assign(`${base}login`);
}
