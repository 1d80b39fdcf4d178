import { type ContactRef, chooseContact } from "../../src/core/contact.ts";
import type { CallRecord } from "../../src/core/crm.ts";
import { CrmError } from "../../src/core/errors.ts";
import type { HubspotWork } from "./account.ts";
import { isClash, type RefusedValue, refusedValues } from "./errors.ts";
import { findContacts } from "./find.ts";
import { createOnce, tooEarly } from "./look-back.ts";
import { readRecords } from "./read.ts";
import type { BatchRow } from "./rows.ts";
import { keyProperties } from "./schema.ts";
import { textsOf } from "./values.ts";

type UnknownCaller = { record: CallRecord; number: string };
/** A contact with what HubSpot refused of it, or the reason why there is none; by number. */
type ContactsOfCallers = Map<string, (ContactRef & { without?: string[] }) | CrmError>;
type ContactInput = { properties: Record<string, string>; associations: [] };

/** The mark of an unknown caller's contact in the look-back. */
export function contactMark(number: string): string {
  return `contact ${number}`;
}

/**
 * The contacts of unknown callers: the one that was created before, else a new one. A lost answer leads to no second
 * contact: the number is a unique key of ours or, where the account refuses that, is searched for first.
 */
export async function contactsFor(
  work: HubspotWork,
  unknown: readonly UnknownCaller[],
): Promise<ContactsOfCallers> {
  if (unknown.length === 0) return new Map();
  const keyed = await work.schema.hasKey("contacts", work.signal);
  const create = () => createContacts(work, unknown, keyed);
  return keyed ? create() : work.contactsInTurn(create);
}

async function createContacts(
  work: HubspotWork,
  unknown: readonly UnknownCaller[],
  keyed: boolean,
): Promise<ContactsOfCallers> {
  const { schema, lookBack } = work;
  const answers: ContactsOfCallers = new Map();
  const byNumber = new Map(unknown.map((one) => [one.number, one]));
  const numbers = [...byNumber.keys()];
  const readBack = async (wanted: readonly string[]): Promise<void> => {
    const there = await readRecords(work, wanted, { type: "contacts", by: "key", properties: [] });
    for (const [number, { id }] of there) answers.set(number, { id, kind: "contact" });
  };
  if (keyed) await readBack(numbers);
  else await searchFirst(work, unknown, answers);

  const known = await schema.properties("contacts", work.signal);
  const rows = numbers
    .filter((number) => !answers.has(number))
    .map((number): BatchRow<ContactInput> => {
      const { fields = {}, phone = number } = byNumber.get(number)?.record.createContact ?? {};
      const key = keyed ? { [keyProperties.contacts.name]: number } : {};
      const properties = { phone, ...textsOf(fields, known), ...key };
      return { ref: number, input: { properties, associations: [] } };
    });
  const create = (some: readonly BatchRow<ContactInput>[]) =>
    createOnce(lookBack, some, contactMark, (inputs) =>
      work.send((client) => client.crm.objects.batchApi.create("contacts", { inputs })),
    );
  const written = await create(rows);
  const refusals = new Map<string, string[]>();
  const smaller = rows.flatMap((row) => {
    const answer = written.get(row.ref);
    const refused = answer && "failed" in answer ? refusedValues(answer.failed) : [];
    const rest = withoutValues(row, refused);
    if (rest)
      refusals.set(
        row.ref,
        refused.map(({ name, why }) => `the new contact's ${name}: ${why}`),
      );
    return rest ?? [];
  });
  for (const [number, answer] of await create(smaller)) written.set(number, answer);
  const clashed: string[] = [];
  for (const [number, answer] of written) {
    if ("stored" in answer) {
      const without = refusals.get(number);
      answers.set(number, { id: answer.stored.id, kind: "contact", ...(without && { without }) });
      continue;
    }
    const existing = existingId(answer.failed);
    if (existing !== undefined) answers.set(number, { id: existing, kind: "contact" });
    else if (isClash(answer.failed)) clashed.push(number);
    else answers.set(number, answer.failed);
  }
  // They were created at the same moment.
  if (clashed.length > 0) await readBack(clashed);
  for (const number of numbers)
    if (!answers.has(number))
      answers.set(number, new CrmError("later", "HubSpot did not say whether it created the contact"));
  return answers;
}

/** A contact without the values that HubSpot refuses, and with its own number for a refused one. Undefined when nothing is left to try. */
function withoutValues(
  row: BatchRow<ContactInput>,
  refused: readonly RefusedValue[],
): BatchRow<ContactInput> | undefined {
  const properties = { ...row.input.properties };
  const names = refused.map(({ name }) => name).filter((name) => name in properties);
  const isOurs = (name: string) =>
    name === keyProperties.contacts.name || (name === "phone" && properties[name] === row.ref);
  if (names.length === 0 || names.some(isOurs)) return undefined;
  for (const name of names) {
    if (name === "phone") properties[name] = row.ref;
    else delete properties[name];
  }
  return { ref: row.ref, input: { ...row.input, properties } };
}

async function searchFirst(
  work: HubspotWork,
  unknown: readonly UnknownCaller[],
  answers: ContactsOfCallers,
): Promise<void> {
  const { lookBack } = work;
  const doubtful = new Set<string>();
  for (const { record, number } of unknown) {
    const mark = contactMark(number);
    const before = lookBack.idOf(mark);
    if (before !== undefined) answers.set(number, { id: before, kind: "contact" });
    else if (record.sentAt !== undefined || lookBack.inDoubt(mark)) {
      const waitMs = lookBack.waitOf(mark);
      if (waitMs > 0) answers.set(number, tooEarly(waitMs));
      else doubtful.add(number);
    }
  }
  const found = await findContacts(work, [...doubtful]);
  for (const [number, contacts] of found) {
    const { contact } = chooseContact(contacts);
    if (contact) answers.set(number, { id: contact.id, kind: contact.kind });
  }
}

/** HubSpot has a contact with this e-mail address already, and says which. */
function existingId({ message }: CrmError): string | undefined {
  return /Existing ID: (\d+)/i.exec(message)?.[1];
}
