import { type ContactRef, chooseContact } from "../../src/core/contact.ts";
import type { CallRecord, ConnectContext } from "../../src/core/contracts.ts";
import { CrmError } from "../../src/core/errors.ts";
import { type RefusedValue, refusedValues } from "./errors.ts";
import { findContacts } from "./find.ts";
import { createOnce, type LookBack, readRecords, tooEarly } from "./look-back.ts";
import type { Callers } from "./people.ts";
import type { BatchRow } from "./rows.ts";
import { keyProperties, type Portal } from "./schema.ts";
import type { DescribedRequest, Transport } from "./transport.ts";
import { textsOf } from "./values.ts";

type Unknown = { record: CallRecord; number: string };
/** `without`: what HubSpot did not take of a new contact. An error: there is no contact, and why. */
export type MadeContacts = Map<string, (ContactRef & { without?: string[] }) | CrmError>;
type ContactInput = { properties: Record<string, string>; associations: [] };

/** What the contact of an unknown caller is remembered under. */
export function contactMark(number: string): string {
  return `contact ${number}`;
}

/**
 * The contacts of unknown callers, by number: the one that was made before, else a new one. A lost answer makes no
 * second contact: the number is a unique key of ours, or, where the account refuses that, it is looked for first.
 */
export async function contactsFor(
  maker: ContactMaker,
  unknown: readonly Unknown[],
  asking: DescribedRequest,
): Promise<MadeContacts> {
  if (unknown.length === 0) return new Map();
  const keyed = await maker.portal.hasKey("contacts", asking.signal);
  const make = () => makeContacts(maker, unknown, keyed, asking);
  return keyed ? make() : maker.contactsInTurn(make);
}

async function makeContacts(
  maker: ContactMaker,
  unknown: readonly Unknown[],
  keyed: boolean,
  asking: DescribedRequest,
): Promise<MadeContacts> {
  const { transport, portal, lookBack } = maker;
  const answers: MadeContacts = new Map();
  const byNumber = new Map(unknown.map((one) => [one.number, one]));
  const numbers = [...byNumber.keys()];
  const readBack = async (wanted: readonly string[]): Promise<void> => {
    const there = await readRecords(
      transport,
      wanted,
      { type: "contacts", by: "key", properties: [] },
      asking,
    );
    for (const [number, { id }] of there) answers.set(number, { id, kind: "contact" });
  };
  if (keyed) await readBack(numbers);
  else await searchFirst(maker, unknown, answers, asking);

  const known = await portal.properties("contacts", asking.signal);
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
      transport.ask(asking, (client) => client.crm.objects.batchApi.create("contacts", { inputs })),
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
  // Somebody else made them at the same moment.
  if (clashed.length > 0) await readBack(clashed);
  for (const number of numbers)
    if (!answers.has(number))
      answers.set(number, new CrmError("later", "HubSpot did not say whether it made the contact"));
  return answers;
}

/** A contact without the values that HubSpot refuses; its number takes the place of a refused one. Undefined: nothing is left to try. */
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

export type ContactMaker = {
  transport: Transport;
  portal: Portal;
  callers: Callers;
  context: Pick<ConnectContext, "region" | "contactFields" | "now">;
  lookBack: LookBack;
  contactsInTurn: <T>(work: () => Promise<T>) => Promise<T>;
};

async function searchFirst(
  { transport, callers, context, lookBack }: ContactMaker,
  unknown: readonly Unknown[],
  answers: MadeContacts,
  asking: DescribedRequest,
): Promise<void> {
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
  const found = await findContacts({ transport, callers, context }, [...doubtful], asking);
  for (const [number, contacts] of found) {
    const { contact } = chooseContact(contacts);
    if (contact) answers.set(number, { id: contact.id, kind: contact.kind });
  }
}

/** HubSpot has a contact with this e-mail address already, and says which. */
function existingId({ message }: CrmError): string | undefined {
  return /Existing ID: (\d+)/i.exec(message)?.[1];
}

/** Another record has the unique value already. */
export function isClash({ message }: CrmError): boolean {
  return /UNIQUE_VALUE_CONFLICT|already has that value|CONFLICT/i.test(message);
}
