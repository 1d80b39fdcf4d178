import type { Contact, ContactRef } from "../../src/core/contact.ts";
import type { ConnectContext } from "../../src/core/contracts.ts";
import { readRecords } from "./look-back.ts";
import type { CallerShape, Callers } from "./people.ts";
import type { Stored } from "./rows.ts";
import type { DescribedRequest, Transport } from "./transport.ts";

/** Names of contact fields that the index has besides those the mapping asks for. */
const fieldsKept = new Set(["lifecyclestage"]);

/** The properties to read of a caller. `asked`: the contact fields that the mapping uses. */
export function callerProperties({ own, phones }: CallerShape, asked: readonly string[]): string[] {
  return [...new Set([...own, ...phones, ...asked])];
}

/** A contact or company of HubSpot in the words of the core. */
export function contactOf(shape: CallerShape, { id, properties }: Stored, asked: readonly string[]): Contact {
  const text = (name: string): string | undefined => properties[name]?.trim() || undefined;
  const person = [text("firstname"), text("lastname")].filter(Boolean).join(" ");
  const name = shape.kind === "company" ? text("name") : person;
  const company = shape.kind === "company" ? name : text("company");
  const [email, ownerId] = [text("email"), text("hubspot_owner_id")];
  const activeAt = text("notes_last_updated") ?? text(shape.changed);
  const fields = [...new Set([...fieldsKept, ...asked])].flatMap((field) => {
    const value = text(field);
    return value === undefined ? [] : [[field, value] as const];
  });
  return {
    id,
    kind: shape.kind,
    ...(name && { name }),
    ...(email && { email }),
    ...(company && { company }),
    ...(ownerId && { ownerId }),
    phones: [...new Set(shape.phones.flatMap((property) => text(property) ?? []))],
    ...(activeAt && { activeAt }),
    fields: Object.fromEntries(fields),
  };
}

/** Ids of contacts that were merged into this one. Unverified: the separator. */
export function mergedInto({ properties }: Stored): string[] {
  return properties["hs_merged_object_ids"]?.split(/[;,\s]+/).filter((id) => /^\d+$/.test(id)) ?? [];
}

/** HubSpot answers with the survivor for an id that was merged away: nobody has that id any more. */
export async function contactsById(
  {
    transport,
    callers,
    contactFields,
  }: Pick<ConnectContext, "contactFields"> & {
    transport: Transport;
    callers: Callers;
  },
  ids: readonly string[],
  signal?: AbortSignal,
): Promise<{ contacts: Contact[]; gone: ContactRef[] }> {
  const asked = contactFields();
  const asking: DescribedRequest = {
    what: "HubSpot, reading contacts that changed",
    priority: "sync",
    signal,
  };
  const [contacts] = await callers.shapes(signal);
  if (!contacts) return { contacts: [], gone: [] };
  const shape = { type: "contacts", by: "id", properties: callerProperties(contacts, asked) } as const;
  const found = await readRecords(transport, ids, shape, asking);
  const stored = [...found.values()];
  const gone = [...ids.filter((id) => !found.has(id)), ...stored.flatMap(mergedInto)];
  return {
    contacts: stored.map((one) => contactOf(contacts, one, asked)),
    gone: [...new Set(gone)].map((id) => ({ id, kind: "contact" })),
  };
}
