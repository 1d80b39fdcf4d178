import { CrmError } from "../../src/core/errors.ts";
import { quotedWhole } from "../../src/core/mask.ts";
import { isObject, type JsonObject, objectAt, objectsAt, textAt } from "../../src/lib/body.ts";
import { retryAfterMs } from "../../src/lib/http.ts";

/** An answer of HubSpot that is not a success. */
export type Refused = {
  status: number;
  /** Parsed JSON, or the text of a page. */
  body: unknown;
  /** By lower-case names. */
  headers: Readonly<Record<string, string>>;
};

/** A property whose value HubSpot refuses, and its reason. */
export type RefusedValue = { name: string; why: string };

/** The `cause` of a `CrmError` of this folder. */
type Cause = { status?: number; values: RefusedValue[] };

const minute = 60_000;

/** Whether an error is HubSpot's answer with one of these statuses. */
export function refusedWith(error: unknown, ...statuses: number[]): error is CrmError {
  if (!(error instanceof CrmError) || !isObject(error.cause)) return false;
  return statuses.includes(Number(error.cause["status"]));
}

/** Whether HubSpot refused the request, so that nothing was done; after its own fault or timeout that is unknown. */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof CrmError) || !isObject(error.cause)) return false;
  const status = Number(error.cause["status"]);
  return status >= 400 && status < 500 && status !== 408;
}

/** Whether a row was refused because of its owner, for example a deactivated user. */
export function isAboutOwner({ message }: CrmError): boolean {
  return /hubspot_owner_id|OWNER/.test(message);
}

/** Whether another record has the unique value already. */
export function isClash({ message }: CrmError): boolean {
  return /UNIQUE_VALUE_CONFLICT|already has that value|CONFLICT/i.test(message);
}

/** The properties that a refusal names; none when it gives no detail. */
export function refusedValues(error: CrmError): RefusedValue[] {
  const values = isObject(error.cause) ? error.cause["values"] : undefined;
  return Array.isArray(values) ? (values as RefusedValue[]) : [];
}

/** HubSpot lists them as JSON inside its message, and sometimes as `errors`. */
function valuesIn(body: unknown): RefusedValue[] {
  if (!isObject(body)) return [];
  const message = textAt(body, "message") ?? "";
  const listed = listIn(message.slice(message.indexOf("["))).flatMap((one): RefusedValue[] => {
    const name = textAt(one, "name");
    const why = textAt(one, "message") ?? textAt(one, "error") ?? "no reason given";
    return name === undefined ? [] : [{ name, why }];
  });
  const inErrors = objectsAt(body, "errors").flatMap((error) => {
    const names = objectAt(error, "context")["propertyName"];
    const why = textAt(error, "message") ?? "no reason given";
    return Array.isArray(names) ? names.map((name) => ({ name: String(name), why })) : [];
  });
  return [...new Map([...inErrors, ...listed].map((one) => [one.name, one])).values()];
}

function listIn(text: string): JsonObject[] {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list.filter(isObject) : [];
  } catch {
    return [];
  }
}

/** The failure of a refused request. Its `afterMs` is for the whole account. */
export function errorOf({ status, body, headers }: Refused, what: string, now: number): CrmError {
  const words = wordsOf(body);
  // On 429 it is undocumented; on 477 it is documented.
  const wait = retryAfterMs(headers["retry-after"], now);
  const cause: Cause = { status, values: valuesIn(body) };
  const later = (why: string, afterMs?: number) => {
    const after = wait ?? afterMs;
    return new CrmError("later", `${what}: ${why}`, {
      cause,
      ...(after !== undefined && { afterMs: after }),
    });
  };
  const never = (why: string) => new CrmError("never", `${what}: ${why}`, { cause });
  switch (status) {
    case 401:
      return later(
        `HubSpot refuses the access token (401${words}). Check crm.token; the calls wait until it is right`,
        minute,
      );
    case 403:
      // The whole account lacks a scope or a licence: its calls wait until that changes.
      return later(
        scopesOf(body) ??
          `HubSpot forbids it (403${words}). Check the app's scopes and the account's licence; the calls wait until it is allowed`,
        minute,
      );
    case 423:
      return later(`HubSpot has locked the record for a moment (423${words})`, 2_000);
    case 429:
      return later(limitOf(body, words), pauseOf(body));
    case 477:
      return later(`HubSpot is moving the account to another data centre (477${words})`, 10 * minute);
    case 408:
    case 409:
    case 425:
      return later(`HubSpot cannot do it just now (${status}${words})`);
    default:
      return status >= 500
        ? later(`HubSpot has a fault of its own (${status}${words})`)
        : never(`HubSpot refuses it (${status}${words})`);
  }
}

/** The limit that was exceeded: `SECONDLY` of the search, `TEN_SECONDLY_ROLLING` of all requests, or `DAILY`. */
function policyOf(body: unknown): string {
  const policy = isObject(body) ? textAt(body, "policyName") : undefined;
  return policy ?? (/secondly limit/i.test(wordsOf(body)) ? "SECONDLY" : "TEN_SECONDLY_ROLLING");
}

function limitOf(body: unknown, words: string): string {
  return policyOf(body) === "DAILY"
    ? `HubSpot's requests of today are used up (429${words})`
    : `HubSpot asks to go slower (429${words})`;
}

/** The day's limit ends at midnight in the portal's own time zone, which HubSpot does not give. */
function pauseOf(body: unknown): number {
  const policy = policyOf(body);
  if (policy === "DAILY") return 15 * minute;
  return policy === "SECONDLY" ? 1_000 : 5_000;
}

/** The permissions that the app lacks, as a sentence. */
function scopesOf(body: unknown): string | undefined {
  if (!isObject(body) || textAt(body, "category") !== "MISSING_SCOPES") return undefined;
  const scopes = objectsAt(body, "errors").flatMap((error) => {
    const needed =
      objectAt(error, "context")["requiredGranularScopes"] ?? objectAt(error, "context")["requiredScopes"];
    return Array.isArray(needed) ? needed.map(String) : [];
  });
  const named = scopes.length > 0 ? ` ${[...new Set(scopes)].join(", ")}` : "";
  return `HubSpot says that the app lacks a permission (403). Give it the scope${named}`;
}

/** HubSpot's message and its id for support, to be appended to a sentence. */
export function wordsOf(body: unknown): string {
  if (!isObject(body))
    return typeof body === "string" && body.trim() !== "" ? ", a page instead of JSON" : "";
  const message = textAt(body, "message");
  const id = textAt(body, "correlationId");
  return `${message ? `: ${quotedWhole(message)}` : ""}${id ? `, correlation id ${id}` : ""}`;
}

/** The failure of one row of a batch. */
export function rowError(error: JsonObject): CrmError {
  const category = textAt(error, "category");
  const words = textAt(error, "message");
  const message = words === undefined ? "it gives no reason" : quotedWhole(words);
  const passing = category === "RATE_LIMITS" || category === "CONFLICT" || category === "INTERNAL_ERROR";
  return new CrmError(
    passing ? "later" : "never",
    `HubSpot refuses the row (${category ?? "no category"}): ${message}`,
    { cause: { values: valuesIn(error) } satisfies Cause },
  );
}
