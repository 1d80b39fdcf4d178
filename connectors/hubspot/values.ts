import type { CallRecord, Fields, FieldValue } from "../../src/core/contracts.ts";
import { fieldsToWrite } from "../../src/core/edits.ts";
import { comparable, type Properties, storedText } from "./properties.ts";
import type { Stored } from "./rows.ts";

/** What a write does to a call: in the mapping's own values and in HubSpot's, and what a person's edits keep back. */
export type Change = { wrote: Fields; properties: Record<string, string>; kept: string[] };

/** The flow speaks of an owner; HubSpot has a property for it. A mapping that fills the property itself wins. */
const names: Readonly<Record<string, string>> = { ownerId: "hubspot_owner_id" };

export function propertyNameOf(field: string): string {
  return names[field] ?? field;
}

/**
 * What to write of a record over what HubSpot has now; everything when it has nothing. A value that is no option of
 * its property is left out, and `lacks` hears of it: a call without its disposition is better than none.
 */
export function changeOf(
  record: CallRecord,
  known: Properties,
  current: Stored | undefined,
  lacks: (property: string, sentence: string) => void,
): Change {
  const fields: Fields = {};
  const wanted = wantedOf(record);
  for (const [name, value] of Object.entries(wanted)) {
    const property = propertyNameOf(name);
    if (storedText(known.get(property), value) !== undefined) fields[name] = value;
    else lacks(property, `${property} has no option ${JSON.stringify(value)}`);
  }
  const form = (name: string, value: FieldValue) => comparable(known.get(propertyNameOf(name)), value);
  const now =
    current &&
    Object.fromEntries(Object.keys(fields).map((name) => [name, current.properties[propertyNameOf(name)]]));
  const { write, kept } = fieldsToWrite({ ...record, fields }, now, form);
  return { wrote: write, properties: textsOf(write, known), kept };
}

/** HubSpot demands a time, and an owner is never taken away. */
function wantedOf({ fields, ownerId }: CallRecord): Fields {
  const stays = (name: string) => name === "hs_timestamp" || name === "hubspot_owner_id";
  const mapped = Object.entries(fields).filter(([name, value]) => value !== "" || !stays(name));
  const wanted: Fields = Object.fromEntries(mapped);
  if (ownerId === undefined || "hubspot_owner_id" in wanted) return wanted;
  return { ownerId, ...wanted };
}

/** Fields in HubSpot's words: texts under the names of its properties. */
export function textsOf(fields: Fields, known: Properties): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([field, value]) => {
      const name = propertyNameOf(field);
      const text = storedText(known.get(name), value);
      return text === undefined ? [] : [[name, text]];
    }),
  );
}

/** Where HubSpot keeps another writing than we sent, such as HTML that it has tidied. */
export function otherWritings(wrote: Fields, { properties }: Stored, known: Properties): Fields {
  return Object.fromEntries(
    Object.entries(wrote).flatMap(([field, value]) => {
      const name = propertyNameOf(field);
      const kept = properties[name];
      const property = known.get(name);
      if (typeof kept !== "string" || comparable(property, kept) === comparable(property, value)) return [];
      return [[field, kept]];
    }),
  );
}
