import type { CrmRequest } from "../../src/core/crm-app.ts";
import { CrmError } from "../../src/core/errors.ts";
import { quoted } from "../../src/core/mask.ts";
import { isObject, objectAt, objectsAt, textAt } from "../../src/lib/body.ts";
import { codeOf } from "../../src/lib/http.ts";

/** One error of a request or of one of its rows. */
export type SalesforceFault = {
  code: string;
  message: string;
  fields: string[];
  /** The ids of records that Salesforce takes for duplicates. */
  twins?: string[];
};

/** The pause after the daily limit is reached; its window of 24 hours rolls. */
export const limitPauseMs = 15 * 60_000;

const retryMs = 60_000;

/** Errors that pass by themselves: the same request may succeed soon. */
const passing = new Set([
  "UNABLE_TO_LOCK_ROW",
  "SERVER_UNAVAILABLE",
  "REQUEST_LIMIT_EXCEEDED",
  "INVALID_SESSION_ID",
  "REQUEST_RUNNING_TOO_LONG",
  "QUERY_TIMEOUT",
  "DUPLICATE_VALUE",
  "STORAGE_LIMIT_EXCEEDED",
  "ORG_LOCKED",
  "UNKNOWN_EXCEPTION",
]);

const cures: Record<string, string> = {
  INVALID_FIELD: "check the field's name in the mapping, and that the user may see it",
  INVALID_FIELD_FOR_INSERT_UPDATE:
    "give the user the right to edit this field, or remove it from the mapping",
  INVALID_TYPE: "give the user access to this object",
  NOT_FOUND: "give the user access to this object",
  REQUIRED_FIELD_MISSING: "add the field to the mapping",
  FIELD_CUSTOM_VALIDATION_EXCEPTION:
    "a validation rule of the org refuses it; change the rule or the mapping",
  INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST: "use one of the picklist's values in the mapping",
  STRING_TOO_LONG: "shorten it in the mapping",
  API_DISABLED_FOR_ORG: "this edition has no API; add it or change the edition",
  API_CURRENTLY_DISABLED: "give the user the permission API Enabled",
  INSUFFICIENT_ACCESS: "give the user the right to edit tasks",
  INSUFFICIENT_ACCESS_OR_READONLY: "give the user the right to edit this record",
  CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY: "a trigger or flow of the org refuses it",
  UNSUPPORTED_API_VERSION: "set apiVersion to a version that Salesforce still serves",
};

/** Whether these faults pass by themselves. */
export function isPassing(faults: readonly SalesforceFault[]): boolean {
  return faults.some(({ code, message }) => passing.has(code) || message.includes("UNABLE_TO_LOCK_ROW"));
}

export function wordsOf(faults: readonly SalesforceFault[]): string {
  return faults.map(({ code, message }) => `${code}, ${quoted(message)}`).join("; ");
}

/** The failure of one row. `what`: e.g. "the call". */
export function rowFailure(what: string, faults: readonly SalesforceFault[]): CrmError {
  const [fault] = faults;
  const cure = fault && Object.hasOwn(cures, fault.code) ? `: ${cures[fault.code]}` : "";
  return new CrmError(
    isPassing(faults) ? "later" : "never",
    `Salesforce refused ${what} (${wordsOf(faults)})${cure}`,
  );
}

/** The failure of a request with an answer. `error`: as jsforce threw it. */
export function answerFailure(status: number, error: unknown): CrmError {
  const faults = faultsOf(error);
  const [fault] = faults;
  const code = fault?.code ?? `HTTP ${status}`;
  if (status === 401) {
    const cure = "check the sign-in settings and the app's session and IP policies";
    return new CrmError("later", `Salesforce refuses our access token (${code}): ${cure}`, { cause: error });
  }
  const words = fault ? `${code}, ${quoted(fault.message)}` : code;
  const away = status >= 500 || status === 420 || status === 429 || status < 400 || isPassing(faults);
  if (away) return new CrmError("later", `Salesforce is not available just now (${words})`, { cause: error });
  const cure = Object.hasOwn(cures, code) ? `: ${cures[code]}` : "";
  // The user or the org lacks a permission: all calls wait until it is given.
  if (status === 403) {
    const options = { cause: error, afterMs: retryMs };
    return new CrmError("later", `Salesforce does not let us in (${words})${cure}`, options);
  }
  return new CrmError("never", `Salesforce refused the request (${words})${cure}`, { cause: error });
}

/** The failure of a request without an answer. */
export function networkFailure(
  cause: unknown,
  timeoutMs: number,
): { status: CrmRequest["status"]; error: CrmError } {
  if (cause instanceof CrmError) return { status: "network", error: cause };
  const name = cause instanceof Error ? cause.name : "";
  const isLate = name === "TimeoutError" || name === "AbortError";
  const why = isLate
    ? `did not answer within ${timeoutMs / 1000} s`
    : `cannot be reached (${codeOf(cause) ?? "network"})`;
  return {
    status: isLate ? "timeout" : "network",
    error: new CrmError("later", `Salesforce ${why}`, { cause }),
  };
}

/** The errors in the answer to a failed request; none for an HTML page or a lost connection. */
export function faultsOf(error: unknown): SalesforceFault[] {
  if (error instanceof CrmError) return faultsOf(error.cause);
  if (!(error instanceof Error) || !("errorCode" in error) || !("data" in error)) return [];
  const { data } = error;
  return (Array.isArray(data) ? data : [data]).filter(isObject).flatMap((one) => faultIn(one) ?? []);
}

/** A fault as REST (`errorCode`) or a collection's row (`statusCode`) writes it. */
export function faultIn(value: unknown): SalesforceFault | undefined {
  if (!isObject(value)) return undefined;
  const code = textAt(value, "statusCode") ?? textAt(value, "errorCode");
  const { fields } = value;
  if (!code || code.startsWith("ERROR_HTTP_")) return undefined;
  const twins = objectsAt(objectAt(value, "duplicateResult"), "matchResults")
    .flatMap((match) => objectsAt(match, "matchRecords"))
    .flatMap((match) => textAt(objectAt(match, "record"), "Id") ?? []);
  return {
    code,
    message: textAt(value, "message") ?? "",
    fields: Array.isArray(fields) ? fields.map(String) : [],
    ...(twins.length > 0 && { twins }),
  };
}

export function hasFault(error: unknown, ...codes: string[]): boolean {
  return faultsOf(error).some(({ code }) => codes.includes(code));
}
