import {
  type CallRecord,
  type FieldDescription,
  type Fields,
  type FieldValue,
  fieldsToWrite,
} from "../../src/core/crm.ts";
import { cutHtml, cutText } from "../../src/lib/cut.ts";
import type { Stored } from "./rows.ts";

/** What to write of a call, in the mapping's own values, and the fields that a person changed. */
export type CallChange = { wrote: Fields; leftAlone: string[] };

/** Fields of ours that HubSpot has another name for. A mapping that fills the property itself wins. */
const names: Readonly<Record<string, string>> = { ownerId: "hubspot_owner_id" };

export function propertyNameOf(field: string): string {
  return names[field] ?? field;
}

/**
 * What to write of a record over what HubSpot has now; everything when it has nothing. A value that is not an option of
 * its property is left out and reported to `lacks`.
 */
export function changeOf(
  record: CallRecord,
  known: Properties,
  current: Stored | undefined,
  lacks: (property: string, sentence: string) => void,
): CallChange {
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
  return { wrote: write, leftAlone: kept };
}

/** The only property that HubSpot requires of a call is its time; some calls have none. */
export function dated(wrote: Readonly<Fields>, now: number): Fields {
  return "hs_timestamp" in wrote ? { ...wrote } : { ...wrote, hs_timestamp: new Date(now).toISOString() };
}

/** HubSpot requires a time, and an owner is never removed. */
function wantedOf({ fields, ownerId }: CallRecord): Fields {
  const stays = (name: string) => name === "hs_timestamp" || name === "hubspot_owner_id";
  const mapped = Object.entries(fields).filter(([name, value]) => value !== "" || !stays(name));
  const wanted: Fields = Object.fromEntries(mapped);
  if (ownerId === undefined || "hubspot_owner_id" in wanted) return wanted;
  return { ownerId, ...wanted };
}

/** Fields as HubSpot takes them: texts by the names of its properties. */
export function textsOf(fields: Fields, known: Properties): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([field, value]) => {
      const name = propertyNameOf(field);
      const text = storedText(known.get(name), value);
      return text === undefined ? [] : [[name, text]];
    }),
  );
}

/** Fields that HubSpot stores in another form than it was sent, such as HTML that it cleans up. */
export function otherForms(wrote: Fields, { properties }: Stored, known: Properties): Fields {
  return Object.fromEntries(
    Object.entries(wrote).flatMap(([field, value]) => {
      const name = propertyNameOf(field);
      const now = properties[name];
      const property = known.get(name);
      if (typeof now !== "string" || comparable(property, now) === comparable(property, value)) return [];
      return [[field, now]];
    }),
  );
}

/** A property of a HubSpot object. */
export type Property = {
  name: string;
  group: string;
  type: string;
  html: boolean;
  /** People type phone numbers into it. */
  phone: boolean;
  readOnly: boolean;
  /** No two records may have the same value. */
  unique: boolean;
  /** When it was created (ms); absent when HubSpot does not say. */
  madeAt?: number;
  /** None when any value may be tried. */
  options: readonly { label: string; value: string }[];
};

export type Properties = ReadonlyMap<string, Property>;

/** HubSpot refuses longer texts. */
const longestText = 65_000;
/** Matches a run of blanks from its first one only: from each of them would take quadratic time. */
const outerBlanks = /^[\s\p{Cf}]+|(?<![\s\p{Cf}])[\s\p{Cf}]+$/gu;
const selfClosing = /(?<!\s)\s*\/>/g;

/** A property as the client returns it; every member may be missing. */
type GivenProperty = {
  name?: string;
  groupName?: string;
  type?: string;
  fieldType?: string;
  externalOptions?: boolean;
  hasUniqueValue?: boolean;
  calculated?: boolean;
  createdAt?: Date | string;
  modificationMetadata?: { readOnlyValue?: boolean };
  options?: { label?: string; value?: string }[];
};

export function propertyOf(given: GivenProperty): Property {
  const { name = "", groupName = "", type = "string" } = given;
  // External options, such as owners, change often.
  const options = given.externalOptions ? [] : (given.options ?? []);
  const madeAt = new Date(given.createdAt ?? "").getTime();
  return {
    name,
    group: groupName,
    type,
    html: given.fieldType === "html",
    phone: given.fieldType === "phonenumber",
    readOnly: given.modificationMetadata?.readOnlyValue === true || given.calculated === true,
    unique: given.hasUniqueValue === true,
    ...(Number.isFinite(madeAt) && { madeAt }),
    options: options.map(({ label = "", value = "" }) => ({ label, value })),
  };
}

/** A value as HubSpot stores it, a text; undefined for an option that does not exist. An option may be given by its label. */
function storedText(property: Property | undefined, value: FieldValue): string | undefined {
  // Blanks and invisible characters around anything but a text: refused since 2025-04-07 (HubSpot's changelog).
  const isText = property === undefined || property.type === "string";
  const text = isText ? String(value) : String(value).replace(outerBlanks, "");
  if (text === "") return "";
  if (property?.type !== "enumeration" || property.options.length === 0)
    return property?.html ? cutHtml(text, longestText) : cutText(text, longestText);
  const { options } = property;
  const word = text.toLowerCase();
  return (
    options.find((option) => option.value === text) ??
    options.find(({ label, value: own }) => label.toLowerCase() === word || own.toLowerCase() === word)
  )?.value;
}

/** The form in which two values of a property are compared: HubSpot stores times, numbers, HTML and line ends its own way. */
export function comparable(property: Property | undefined, value: FieldValue): string {
  const text = (storedText(property, value) ?? String(value)).replaceAll("\r\n", "\n").trim();
  if (property?.type === "datetime" || property?.type === "date") {
    const moment = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
    return Number.isNaN(moment) ? text : String(moment);
  }
  if (property?.type === "number" && text !== "" && Number.isFinite(Number(text)))
    return String(Number(text));
  return property?.html ? tidied(text) : text;
}

/** Unverified: which of these changes HubSpot makes. None of them is a person's edit. */
function tidied(html: string): string {
  return html
    .replace(selfClosing, ">")
    .replace(/&(#39|#x27|apos);/gi, "'")
    .replace(/&(#34|#x22|quot);/gi, '"');
}

const types: Readonly<Record<string, FieldDescription["type"]>> = {
  number: "number",
  bool: "boolean",
  datetime: "datetime",
  date: "date",
  enumeration: "picklist",
};

/** A property as `switchhook check` reads it. */
export function describe({ name, type, readOnly, options }: Property): FieldDescription {
  const listed = options.flatMap(({ label, value }) => (label === value ? [value] : [label, value]));
  const kind = types[type] ?? "string";
  return {
    name,
    type: kind,
    writable: !readOnly,
    ...(kind === "picklist" && listed.length > 0 && { options: listed }),
  };
}
