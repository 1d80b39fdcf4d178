import { type Contact, type ContactRef, chooseContact, numbersOf } from "../../src/core/contact.ts";
import type { CallRecord, ConnectContext, Fields as Values } from "../../src/core/contracts.ts";
import { CrmError } from "../../src/core/errors.ts";
import type { Ask } from "./api.ts";
import { rowFailure } from "./failure.ts";
import { findWritten } from "./find.ts";
import type { Desk } from "./item.ts";
import { contactOf, kindOf, kindOfId, type Shape, shapesOf } from "./people.ts";
import { create, type RowResult, sendRows } from "./send.ts";
import { inLists, queryAll } from "./soql.ts";
import { wireOf } from "./values.ts";

export type Wanted = NonNullable<CallRecord["createContact"]>;
type Made = ContactRef | CrmError;
type Context = Pick<ConnectContext, "region" | "contactFields">;
type Draft = { number: string; object: "Lead" | "Contact"; row: Values };

/** An org's duplicate rule would refuse a second "Unknown caller"; that nobody has this number was looked up. */
const allowSave = { "Sforce-Duplicate-Rule-Header": "allowSave=true" };

/**
 * A contact for each number, made unless somebody has the number already: an earlier attempt whose answer was lost may
 * have made them. A lead when the mapping names a company, otherwise a contact.
 */
export async function contactsFor(
  desk: Desk,
  wanted: readonly Wanted[],
  ask: Ask,
  { region, contactFields }: Context,
): Promise<Map<string, Made>> {
  const made = new Map<string, Made>();
  const byNumber = new Map(wanted.map((one) => [one.number, one]));
  if (byNumber.size === 0) return made;
  const shapes = await shapesOf(desk.schema, contactFields(), ask);
  const people = shapes.filter(({ object }) => object !== "Account");
  const found = await findWritten(desk.connection, people, [...byNumber.keys()], region);
  const drafts: Draft[] = [];
  for (const [number, { fields }] of byNumber) {
    const { contact } = chooseContact(found.get(number) ?? []);
    const next = contact ? refOf(contact) : await draftOf(desk, number, fields, ask);
    if ("row" in next) drafts.push(next);
    else made.set(number, next);
  }
  for (const object of ["Lead", "Contact"] as const) {
    const of = drafts.filter((draft) => draft.object === object);
    for (const [number, ref] of await make(desk, object, of, shapes, region)) made.set(number, ref);
  }
  return made;
}

async function make(
  { connection, schema }: Desk,
  object: Draft["object"],
  drafts: readonly Draft[],
  shapes: readonly Shape[],
  region: string,
): Promise<Map<string, Made>> {
  const made = new Map<string, Made>();
  const rows = drafts.map(({ row }) => row);
  const sending = { atOnce: false, isOutdated: schema.forget };
  const results = await sendRows(rows, create(connection, object), sending);
  const again: Draft[] = [];
  for (const [i, draft] of drafts.entries()) {
    const result = results[i];
    const twins = twinsIn(result);
    if (!twins) {
      made.set(draft.number, madeOf(object, result));
      continue;
    }
    const twin = (await readTwins(connection, shapes, twins)).find((one) =>
      numbersOf(one, region).includes(draft.number),
    );
    if (twin) made.set(draft.number, refOf(twin));
    else again.push(draft);
  }
  const saved = await sendRows(
    again.map(({ row }) => row),
    create(connection, object, allowSave),
    sending,
  );
  for (const [i, { number }] of again.entries()) made.set(number, madeOf(object, saved[i]));
  return made;
}

function madeOf(object: Draft["object"], result: RowResult | undefined): Made {
  if (result && "id" in result) return { id: result.id, kind: kindOf[object] };
  if (result && "lost" in result) return result.lost;
  return rowFailure(`the new ${object} for an unknown caller`, result?.faults ?? []);
}

function twinsIn(result: RowResult | undefined): string[] | undefined {
  const faults = result && "faults" in result ? result.faults : [];
  const found = faults.filter(({ code }) => code === "DUPLICATES_DETECTED");
  return found.length > 0 ? found.flatMap(({ twins = [] }) => twins) : undefined;
}

/** The rule also takes people for the same by their name alone: whoever it names must have the number. */
async function readTwins(
  connection: Desk["connection"],
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

async function draftOf(
  { schema, warn }: Desk,
  number: string,
  given: Values,
  ask: Ask,
): Promise<Draft | CrmError> {
  const object = "Company" in given ? "Lead" : "Contact";
  const fields = await schema.of(object, ask);
  const row: Values = {};
  for (const [name, value] of Object.entries({ Phone: number, ...given })) {
    const field = fields.get(name);
    if (!field?.createable) return refused(object, `has no field ${name} that we may write`);
    const wire = wireOf(field, value);
    if ("fault" in wire) return refused(object, `cannot take a value of the mapping: ${wire.fault}`);
    if ("value" in wire) row[name] = wire.value;
    else if (value !== "")
      warn(`Salesforce's ${object}.${name} has no value ${JSON.stringify(value)}: it is left out`);
  }
  return { number, object, row };
}

function refused(object: string, why: string): CrmError {
  return new CrmError("never", `Salesforce's ${object} ${why}: correct "contact" in the mapping`);
}

function refOf({ id, kind }: ContactRef): ContactRef {
  return { id, kind };
}
