import type { Direction } from "../../core/call.ts";
import { Rejected } from "../../core/errors.ts";
import type { Delivery } from "../../core/provider.ts";
import {
  callIdAt,
  isCallId,
  isObject,
  isoFromText,
  type JsonObject,
  jsonBody,
  objectAt,
  textAt,
} from "../../lib/body.ts";
import { plainWord } from "../../lib/words.ts";

/** A person in a notification: a caller, a target, a redirector. */
export type Person = {
  number?: string;
  name?: string;
  /** Internal numbers of VoIP accounts (devices), and of the users behind them. */
  accountNumbers: string[];
  userNumbers: string[];
  email?: string;
};

/** A Voys / VoIPGRID call notification in one shape, for all spellings. */
export type Notification = {
  callId: string;
  mergedId?: string;
  status: string;
  reason?: string;
  at: string;
  direction?: Direction;
  caller: Person;
  /** `destination.number`: what the caller dialled; after a transfer the new target's number. */
  dialled?: string;
  targets: Person[];
  redirector: Person;
};

const maxTextLength = 200;
const maxPeople = 100;
/** Each of a hundred targets may have one, and each is compared with the company's numbers. */
const maxNumberLength = 64;
/** Of accounts and users: internal numbers and e-mail addresses contain no blanks, and a person has only a few. */
const maxInternalLength = 40;
const maxInternal = 10;
const directions = new Map<string, Direction>([
  ["inbound", "inbound"],
  ["outbound", "outbound"],
]);

/** Throws `Rejected(400)` for a body that is not a notification. Versions other than v2 are accepted. */
export function notificationOf(delivery: Delivery): Notification {
  const body = jsonBody(delivery);
  const callId = callIdAt(body, "call_id");
  const status = plainWord(cleanTextAt(body, "status"));
  if (!callId) throw new Rejected(400, "not a Voys call notification: it has no call_id");
  if (!status) throw new Rejected(400, "not a Voys call notification: it has no status");
  const destination = objectAt(body, "destination");
  const mergedId = Object.hasOwn(body, "merged_id") ? body["merged_id"] : undefined;
  const reason = cleanTextAt(body, "reason");
  const direction = directions.get(plainWord(textAt(body, "direction")) ?? "");
  const dialled = cleanTextAt(destination, "number");
  return {
    callId,
    ...(typeof mergedId === "string" &&
      mergedId &&
      mergedId !== callId &&
      isCallId(mergedId) && { mergedId }),
    status,
    ...(reason && { reason }),
    at: isoFromText(textAt(body, "timestamp")) ?? delivery.receivedAt,
    ...(direction && { direction }),
    caller: personOf(objectAt(body, "caller")),
    ...(dialled && { dialled }),
    targets: targetsOf(destination),
    redirector: personOf(objectAt(body, "redirector")),
  };
}

/**
 * The vendor's own CRM reads one object `target` in in-progress and warm-transfer, and a list `targets` in ringing and
 * cold-transfer (HelloLily tests.py @9f50d8a0); the help page (2026) lists `targets` everywhere. Both are read.
 */
function targetsOf(destination: JsonObject): Person[] {
  const one = peopleAt(destination, "target");
  return one.length > 0 ? one : peopleAt(destination, "targets");
}

function peopleAt(object: JsonObject, name: string): Person[] {
  return listAt(object, name).slice(0, maxPeople).filter(isObject).map(personOf);
}

function personOf(person: JsonObject): Person {
  const number = cleanTextAt(person, "number", maxNumberLength);
  const name = cleanTextAt(person, "name");
  const email = textsAt(person, "user_emails")[0];
  return {
    ...(number && { number }),
    ...(name && { name }),
    // A number or null in every known sample, a list according to the help page (2026).
    accountNumbers: textsAt(person, "account_number", maxInternalLength),
    userNumbers: textsAt(person, "user_numbers", maxInternalLength),
    ...(email && { email }),
  };
}

function textsAt(object: JsonObject, name: string, maxLength = maxTextLength): string[] {
  return listAt(object, name)
    .slice(0, maxInternal)
    .flatMap((item) => cleanTextAt({ item }, "item", maxLength) ?? [])
    .filter((text) => !text.includes(" "));
}

/** A member as a list; a single value is a list of one. */
function listAt(object: JsonObject, name: string): readonly unknown[] {
  const value = Object.hasOwn(object, name) ? object[name] : undefined;
  return Array.isArray(value) ? value : [value];
}

/** Text that any store and any CRM accepts: well-formed, without control characters, of limited length. */
function cleanTextAt(object: JsonObject, name: string, maxLength = maxTextLength): string | undefined {
  const text = textAt(object, name)?.slice(0, maxLength).toWellFormed();
  return text?.replace(/\p{Cc}+/gu, " ").trim() || undefined;
}
