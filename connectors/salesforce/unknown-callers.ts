import { type Contact, type ContactRef, chooseContact, numbersOf } from "../../src/core/contact.ts";
import type { CallRecord, Fields as Values } from "../../src/core/crm.ts";
import { CrmError } from "../../src/core/errors.ts";
import type { TaskWork } from "./account.ts";
import { faultsOf, hasFault, rowFailure } from "./errors.ts";
import { findWritten } from "./find.ts";
import { contactOf, kindOf, kindOfId, type Shape, shapesOf } from "./people.ts";
import { create, type RowResult, sendRows } from "./rows.ts";
import { inLists, queryAll } from "./transport.ts";
import { wireOf } from "./values.ts";

export type WantedContact = NonNullable<CallRecord["createContact"]>;
/** A contact with what the org refused of it, or the reason why there is none. */
export type CreatedContact = (ContactRef & { without?: readonly string[] }) | CrmError;
type Draft = {
  number: string;
  object: "Lead" | "Contact";
  row: Values;
  /** The provider gave the caller's name, so a record of that name may be the caller. */
  named: boolean;
  without: readonly string[];
};

/**
 * Passes a duplicate rule that alerts, not one that blocks (Salesforce's documentation of the header). Otherwise a second
 * "Unknown caller" would be refused, although the number was searched for.
 */
const allowSave = { "Sforce-Duplicate-Rule-Header": "allowSave=true" };
/** In one batch; the other callers are tried at the next save of their calls. */
const mostAlone = 10;

/**
 * A contact for each number, created unless one has the number already: an earlier attempt, whose answer was lost, may
 * have created it. A lead when the mapping names a company, otherwise a contact.
 */
export async function contactsFor(
  work: TaskWork,
  wanted: readonly WantedContact[],
): Promise<Map<string, CreatedContact>> {
  const made = new Map<string, CreatedContact>();
  const byNumber = new Map(wanted.map((one) => [one.number, one]));
  if (byNumber.size === 0) return made;
  const { connection, context } = work;
  const shapes = await shapesOf(work);
  const people = shapes.filter(({ object }) => object !== "Account");
  const found = await findWritten(connection, people, [...byNumber.keys()], context.region);
  const drafts: Draft[] = [];
  for (const [number, one] of byNumber) {
    const { contact } = chooseContact(found.get(number) ?? []);
    const next = contact ? refOf(contact) : await draftOf(work, one);
    if ("row" in next) drafts.push(next);
    else made.set(number, next);
  }
  for (const object of ["Lead", "Contact"] as const) {
    const of = drafts.filter((draft) => draft.object === object);
    for (const [number, ref] of await createAll(work, object, of, shapes)) made.set(number, ref);
  }
  return made;
}

async function createAll(
  { connection, schema, context }: TaskWork,
  object: Draft["object"],
  drafts: readonly Draft[],
  shapes: readonly Shape[],
): Promise<Map<string, CreatedContact>> {
  const made = new Map<string, CreatedContact>();
  const send = (some: readonly Draft[], headers: Record<string, string> = {}) =>
    sendRows(
      some.map(({ row }) => row),
      create(connection, object, headers),
      { atOnce: false, isOutdated: schema.forget },
    );
  const again: Draft[] = [];
  const take = async (some: readonly Draft[], results: readonly RowResult[], isLast: boolean) => {
    for (const [i, draft] of some.entries()) {
      const result = results[i];
      const ids = twinsIn(result);
      const twins = ids.length > 0 ? await readTwins(connection, shapes, ids).catch(ifHidden) : [];
      const twin = twinOf(draft, twins, { region: context.region, isLast });
      const smaller = isLast ? undefined : withoutFields(draft, result, twins.length > 0);
      if (twin) made.set(draft.number, refOf(twin));
      else if (smaller) again.push(smaller);
      else made.set(draft.number, madeOf(draft, result));
    }
  };
  await take(drafts, await send(drafts), false);
  const rest = again.slice();
  if (rest.length === 0) return made;
  const saved = await send(rest, allowSave);
  for (const i of unnamedTwins(saved).slice(0, mostAlone)) saved[i] = await createAlone(connection, rest[i]);
  await take(rest, saved, true);
  return made;
}

/** Rows that a duplicate rule blocks without saying for which records. */
function unnamedTwins(results: readonly RowResult[]): number[] {
  const isBlocked = (result: RowResult) =>
    "faults" in result && result.faults.some(({ code }) => code === "DUPLICATES_DETECTED");
  return results.flatMap((result, i) => (isBlocked(result) && twinsIn(result).length === 0 ? [i] : []));
}

/** The answer about a single record names the existing ones. Unverified: that a collection's answer never does. */
async function createAlone(connection: TaskWork["connection"], draft: Draft | undefined): Promise<RowResult> {
  if (!draft) return { faults: [] };
  try {
    const { id } = await connection.create(draft.object, draft.row, { headers: allowSave });
    return id === undefined ? { faults: [] } : { id, created: true };
  } catch (error) {
    if (!(error instanceof CrmError)) throw error;
    const faults = faultsOf(error);
    return faults.length > 0 && error.retry === "never" ? { faults } : { lost: error };
  }
}

/**
 * The record that the org takes for this caller: one that has the number; or, when the org insists, the only one that it
 * names, unless that record has another number and the caller's name is unknown.
 */
function twinOf(
  { number, named }: Draft,
  twins: readonly Contact[],
  { region, isLast }: { region: string; isLast: boolean },
): Contact | undefined {
  const holder = twins.find((one) => numbersOf(one, region).includes(number));
  const [only] = twins;
  if (holder || !isLast || !only || twins.length > 1) return holder;
  return named || numbersOf(only, region).length === 0 ? only : undefined;
}

/** What may succeed at a second try: a row that a duplicate rule alerts about, and one without its refused fields. */
function withoutFields(draft: Draft, result: RowResult | undefined, hasTwins: boolean): Draft | undefined {
  const faults = result && "faults" in result ? result.faults : [];
  const names = faults
    .filter(({ code }) => code !== "REQUIRED_FIELD_MISSING")
    .flatMap(({ fields }) => fields)
    .filter((name) => draft.row[name] !== undefined && name !== "Phone");
  if (names.length === 0)
    return hasTwins || faults.some(({ code }) => code === "DUPLICATES_DETECTED") ? draft : undefined;
  const row = Object.fromEntries(Object.entries(draft.row).filter(([name]) => !names.includes(name)));
  const words = faults.map(({ code }) => code).join(", ");
  return {
    ...draft,
    row,
    without: [...draft.without, `the new ${draft.object}'s ${names.join(", ")}: ${words}`],
  };
}

function madeOf({ object, without }: Draft, result: RowResult | undefined): CreatedContact {
  if (result && "id" in result)
    return { id: result.id, kind: kindOf[object], ...(without.length > 0 && { without }) };
  if (result && "lost" in result) {
    // Our user may not create such records: waiting would not change that.
    const isHidden = hasFault(result.lost, "NOT_FOUND", "INVALID_TYPE");
    return isHidden ? new CrmError("never", result.lost.message) : result.lost;
  }
  const faults = result?.faults ?? [];
  const failure = rowFailure(`the new ${object} for an unknown caller`, faults);
  // The record that has the unique value is not this caller's: waiting would not change that.
  const isHeld = faults.some(({ code }) => code === "DUPLICATE_VALUE");
  return isHeld ? new CrmError("never", failure.message) : failure;
}

/** The existing records that a duplicate rule or a unique field names. */
function twinsIn(result: RowResult | undefined): string[] {
  const faults = result && "faults" in result ? result.faults : [];
  return faults.flatMap(({ twins = [], message }) => {
    const holder = /duplicates value on record with id: (\w{15,18})/.exec(message)?.[1];
    return holder === undefined ? twins : [...twins, holder];
  });
}

/** Duplicate rules also compare names alone, so the numbers are compared here. */
async function readTwins(
  connection: TaskWork["connection"],
  shapes: readonly Shape[],
  ids: readonly string[],
): Promise<Contact[]> {
  const twins: Contact[] = [];
  for (const shape of shapes) {
    const own = ids.filter((id) => kindOfId(id) === kindOf[shape.object]);
    for (const list of inLists(own)) {
      const soql = `SELECT ${shape.select.join(", ")} FROM ${shape.object} WHERE Id IN (${list})`;
      twins.push(...(await queryAll(connection, soql)).map((record) => contactOf(shape, record)));
    }
  }
  return twins;
}

/** Our user may not see the records that an org names. */
function ifHidden(error: unknown): Contact[] {
  if (error instanceof CrmError && error.retry === "never") return [];
  throw error;
}

async function draftOf(
  { schema, warn, request }: TaskWork,
  wanted: WantedContact,
): Promise<Draft | CrmError> {
  const { number, phone = number, fields: given, named = false } = wanted;
  const object = "Company" in given ? "Lead" : "Contact";
  const fields = await schema.of(object, request);
  if (fields.size === 0) return refused(object, "cannot be seen by our user: give the user access");
  const row: Values = {};
  const without: string[] = [];
  const leaveOut = (name: string, why: string): void => {
    without.push(`the new ${object}'s ${name}: ${why}`);
    warn(`Salesforce's ${object} is made without ${name}: ${why}`);
  };
  for (const [name, value] of Object.entries({ Phone: phone, ...given })) {
    const field = fields.get(name);
    const wire = field?.createable
      ? wireOf(field, value)
      : { fault: "there is no such field that we may write" };
    if ("value" in wire) row[name] = wire.value;
    else if ("fault" in wire) leaveOut(name, `${wire.fault}; correct "contact" in the mapping`);
    else if (value !== "") leaveOut(name, `the picklist has no value ${JSON.stringify(value)}`);
  }
  return { number, object, row, named, without };
}

function refused(object: string, why: string): CrmError {
  return new CrmError("never", `Salesforce's ${object} ${why}`);
}

function refOf({ id, kind }: ContactRef): ContactRef {
  return { id, kind };
}
