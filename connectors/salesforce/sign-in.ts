import type { ConnectContext, CrmRequest } from "../../src/core/contracts.ts";
import { isObject, type JsonObject } from "../../src/lib/body.ts";
import { networkFailure } from "./errors.ts";

/** `body`: empty when no JSON object came. Of a list of faults it is the first. */
export type SignInReply = { status: number; body: JsonObject };

/** A secret is sent in `form` or as `bearer`, never in `url`. */
export type SignInRequest = {
  method: "GET" | "POST";
  url: string;
  form?: URLSearchParams;
  bearer?: string;
};

const timeoutMs = 15_000;

/** One request about tokens, sent once. Throws `CrmError` when no answer came. */
export async function ask(
  { method, url, form, bearer }: SignInRequest,
  { now, onRequest }: Pick<ConnectContext, "now" | "onRequest">,
): Promise<SignInReply> {
  const started = now();
  const note = (status: CrmRequest["status"]) => onRequest?.({ kind: "token", status, ms: now() - started });
  try {
    const response = await fetch(url, {
      method,
      headers: {
        accept: "application/json",
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
      },
      ...(form && { body: form }),
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await response.text();
    note(response.status);
    return { status: response.status, body: objectIn(text) };
  } catch (cause) {
    const failure = networkFailure(cause, `Salesforce's sign-in at ${new URL(url).host}`, timeoutMs);
    note(failure.status);
    throw failure.error;
  }
}

function objectIn(text: string): JsonObject {
  try {
    const parsed: unknown = JSON.parse(text);
    const value: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}
