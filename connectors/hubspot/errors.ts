import { CrmError } from "../../src/core/errors.ts";
import { quotedWhole } from "../../src/core/mask.ts";
import { isObject, type JsonObject, objectAt, objectsAt, textAt } from "../../src/lib/body.ts";

/** An answer of HubSpot that is no success. `body`: parsed JSON, or the text of a page. `headers`: lower-case names. */
export type Refused = { status: number; body: unknown; headers: Readonly<Record<string, string>> };

/** A property whose value HubSpot refuses, and its words on it. */
export type RefusedValue = { name: string; why: string };

/** What a `CrmError` of this folder remembers of HubSpot's answer. */
type Cause = { status?: number; values: RefusedValue[] };

const minute = 60_000;

/** Whether an error is HubSpot's answer with one of these statuses. */
export function refusedWith(error: unknown, ...statuses: number[]): error is CrmError {
  if (!(error instanceof CrmError) || !isObject(error.cause)) return false;
  return statuses.includes(Number(error.cause["status"]));
}

/** Whether HubSpot itself said no, so that nothing was done; a fault or a timeout of its own leaves that open. */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof CrmError) || !isObject(error.cause)) return false;
  const status = Number(error.cause["status"]);
  return status >= 400 && status < 500 && status !== 408;
}

/** Whether a row was refused because of its owner, such as one who has left. */
export function isAboutOwner({ message }: CrmError): boolean {
  return /hubspot_owner_id|OWNER/.test(message);
}

/** The properties that a refusal names. None when it does not say what is wrong. */
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
  const told = objectsAt(body, "errors").flatMap((error) => {
    const names = objectAt(error, "context")["propertyName"];
    const why = textAt(error, "message") ?? "no reason given";
    return Array.isArray(names) ? names.map((name) => ({ name: String(name), why })) : [];
  });
  return [...new Map([...told, ...listed].map((one) => [one.name, one])).values()];
}

function listIn(text: string): JsonObject[] {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list.filter(isObject) : [];
  } catch {
    return [];
  }
}

/** What a refused request means: wait, or have somebody mend it. Its `afterMs` is for the whole account. */
export function errorOf({ status, body, headers }: Refused, what: string, now: number): CrmError {
  const said = wordsOf(body);
  const wait = waitOf(headers, now);
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
        `HubSpot refuses the access token (401${said}). Check crm.token; the calls wait until it is right`,
        minute,
      );
    case 403:
      // The account as a whole may not do it, until somebody gives the app the scope or the account the licence.
      return later(
        scopesOf(body) ??
          `HubSpot forbids it (403${said}). Check the app's scopes and the account's licence; the calls wait until it is allowed`,
        minute,
      );
    case 423:
      return later(`HubSpot has locked the record for a moment (423${said})`, 2_000);
    case 429:
      return later(limitOf(body, said), pauseOf(body));
    case 477:
      return later(`HubSpot is moving the account to another data centre (477${said})`, 10 * minute);
    case 408:
    case 409:
    case 425:
      return later(`HubSpot cannot do it just now (${status}${said})`);
    default:
      return status >= 500
        ? later(`HubSpot has a fault of its own (${status}${said})`)
        : never(`HubSpot refuses it (${status}${said})`);
  }
}

/** The name of the limit that was passed: `SECONDLY` is the search's own, `TEN_SECONDLY_ROLLING` everything's, `DAILY` the day's. */
function policyOf(body: unknown): string {
  const policy = isObject(body) ? textAt(body, "policyName") : undefined;
  return policy ?? (/secondly limit/i.test(wordsOf(body)) ? "SECONDLY" : "TEN_SECONDLY_ROLLING");
}

function limitOf(body: unknown, said: string): string {
  return policyOf(body) === "DAILY"
    ? `HubSpot's requests of today are used up (429${said})`
    : `HubSpot asks to go slower (429${said})`;
}

/** The day's limit ends at midnight in the portal's own time zone, which nobody tells. */
function pauseOf(body: unknown): number {
  const policy = policyOf(body);
  if (policy === "DAILY") return 15 * minute;
  return policy === "SECONDLY" ? 1_000 : 5_000;
}

/** `Retry-After` in seconds or as a date, in milliseconds. On 429 it is undocumented; on 477 it is promised. */
function waitOf(headers: Readonly<Record<string, string>>, now: number): number | undefined {
  const text = headers["retry-after"]?.trim();
  if (!text) return undefined;
  const seconds = Number(text);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(text) - now;
  return Number.isFinite(ms) && ms >= 0 ? ms : undefined;
}

/** Which permissions the app has to be given. */
function scopesOf(body: unknown): string | undefined {
  if (!isObject(body) || textAt(body, "category") !== "MISSING_SCOPES") return undefined;
  const scopes = objectsAt(body, "errors").flatMap((error) => {
    const asked =
      objectAt(error, "context")["requiredGranularScopes"] ?? objectAt(error, "context")["requiredScopes"];
    return Array.isArray(asked) ? asked.map(String) : [];
  });
  const named = scopes.length > 0 ? ` ${[...new Set(scopes)].join(", ")}` : "";
  return `HubSpot says that the app lacks a permission (403). Give it the scope${named}`;
}

/** HubSpot's own words with its id for support, as an addition; a page of HTML says only that it is one. */
export function wordsOf(body: unknown): string {
  if (!isObject(body))
    return typeof body === "string" && body.trim() !== "" ? ", a page instead of JSON" : "";
  const message = textAt(body, "message");
  const id = textAt(body, "correlationId");
  return `${message ? `: ${quotedWhole(message)}` : ""}${id ? `, correlation id ${id}` : ""}`;
}

/** A row of a batch that HubSpot refused while its neighbours went through. */
export function rowError(error: JsonObject): CrmError {
  const category = textAt(error, "category");
  const said = textAt(error, "message");
  const message = said === undefined ? "it gives no reason" : quotedWhole(said);
  const passing = category === "RATE_LIMITS" || category === "CONFLICT" || category === "INTERNAL_ERROR";
  return new CrmError(
    passing ? "later" : "never",
    `HubSpot refuses the row (${category ?? "no category"}): ${message}`,
    { cause: { values: valuesIn(error) } satisfies Cause },
  );
}
