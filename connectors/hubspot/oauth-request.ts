import type { CrmRequest } from "../../src/core/contracts.ts";
import { GrantError, type OAuthContext } from "../../src/core/oauth.ts";
import { isObject, type JsonObject } from "../../src/lib/body.ts";

/** `body`: empty when no JSON object came. */
export type OAuthReply = { status: number; body: JsonObject };

/** `what`: for people, in an error. A secret is sent in `form` or as `bearer`, never in `url`. `json`: instead of a form. */
export type OAuthRequest = {
  what: string;
  method: "GET" | "POST" | "PATCH" | "DELETE";
  url: string;
  form?: Readonly<Record<string, string>>;
  json?: object;
  bearer?: string;
};

const timeoutMs = 15_000;

/** One request, sent once. Throws `GrantError` when no answer came. */
export async function ask(question: OAuthRequest, { onRequest, signal }: OAuthContext): Promise<OAuthReply> {
  const { what, method, url, form, json, bearer } = question;
  const limit = AbortSignal.timeout(timeoutMs);
  const started = performance.now();
  const note = (status: CrmRequest["status"]) =>
    onRequest?.({ kind: "token", status, ms: performance.now() - started });
  try {
    const response = await fetch(url, {
      method,
      headers: {
        accept: "application/json",
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
        ...(json && { "content-type": "application/json" }),
      },
      ...(form && { body: new URLSearchParams(form) }),
      ...(json && { body: JSON.stringify(json) }),
      redirect: "error",
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
    const text = await response.text();
    note(response.status);
    return { status: response.status, body: objectIn(text) };
  } catch (cause) {
    const late = cause instanceof Error && cause.name === "TimeoutError";
    note(late ? "timeout" : "network");
    const why = late
      ? `HubSpot did not answer within ${timeoutMs / 1000} s`
      : `HubSpot cannot be reached (${codeOf(cause)})`;
    throw new GrantError("later", `${what}: ${why}`, { cause });
  }
}

export function isSuccess({ status }: OAuthReply): boolean {
  return status >= 200 && status < 300;
}

function objectIn(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

function codeOf(cause: unknown): string {
  for (let error = cause; error instanceof Error; error = error.cause) {
    if ("code" in error && typeof error.code === "string") return error.code;
  }
  return "network";
}
