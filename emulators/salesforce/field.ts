/** A value as it is kept: datetimes as ISO in UTC with "Z", dates as `YYYY-MM-DD`. */
export type Value = string | number | boolean | null;

/** A record. Never changed in place: every write puts a new one. */
export type Row = { readonly Id: string; readonly [field: string]: Value };

export type FieldType =
  | "id"
  | "string"
  | "textarea"
  | "phone"
  | "email"
  | "url"
  | "picklist"
  | "combobox"
  | "reference"
  | "int"
  | "double"
  | "boolean"
  | "date"
  | "datetime";

/** `closed`: a Task with this Status is closed. */
type Option = { value: string; active: boolean; isDefault: boolean; closed?: boolean };

export type Field = {
  name: string;
  label: string;
  type: FieldType;
  /** In characters; 0 for types without a length. */
  length: number;
  createable: boolean;
  updateable: boolean;
  nillable: boolean;
  defaultedOnCreate: boolean;
  options: Option[];
  restricted: boolean;
  externalId: boolean;
  unique: boolean;
  caseSensitive: boolean;
  referenceTo: string[];
  relationship?: string;
  /** Part of our package: invisible when it is not installed. */
  packaged: boolean;
};

export type FieldOptions = Partial<Omit<Field, "name" | "type">>;

/** A writable field that may be empty; `options` says what is different. */
export function field(name: string, type: FieldType, options: FieldOptions = {}): Field {
  return {
    name,
    label: labelOf(name),
    type,
    length: lengths[type] ?? 0,
    createable: true,
    updateable: true,
    nillable: type !== "boolean",
    defaultedOnCreate: type === "boolean",
    options: [],
    restricted: false,
    externalId: false,
    unique: false,
    caseSensitive: false,
    referenceTo: [],
    packaged: false,
    ...options,
  };
}

export function text(name: string, length: number, options: FieldOptions = {}): Field {
  return field(name, "string", { length, ...options });
}

export function readOnly(name: string, type: FieldType, options: FieldOptions = {}): Field {
  return field(name, type, { ...options, createable: false, updateable: false });
}

export function reference(name: string, referenceTo: string[], options: FieldOptions = {}): Field {
  const relationship = name.replace(/Id$/, "");
  return field(name, "reference", { length: 18, referenceTo, relationship, ...options });
}

/** Options from names: the first is the default when the field must have a value. */
export function picklist(name: string, values: string[], options: FieldOptions = {}): Field {
  const required = options.nillable === false;
  return field(name, "picklist", {
    defaultedOnCreate: required,
    options: values.map((value, index) => ({ value, active: true, isDefault: required && index === 0 })),
    ...options,
  });
}

/** Fields that every object has. */
export function systemFields(): Field[] {
  const required = { nillable: false, defaultedOnCreate: true };
  return [
    readOnly("Id", "id", { label: "Record ID", length: 18, ...required }),
    readOnly("IsDeleted", "boolean", { label: "Deleted" }),
    readOnly("CreatedDate", "datetime", required),
    readOnly("CreatedById", "reference", { ...toUser("CreatedBy"), ...required }),
    readOnly("LastModifiedDate", "datetime", required),
    readOnly("LastModifiedById", "reference", { ...toUser("LastModifiedBy"), ...required }),
    readOnly("SystemModstamp", "datetime", required),
  ];
}

function toUser(relationship: string): FieldOptions {
  return { length: 18, referenceTo: ["User"], relationship };
}

const lengths: Partial<Record<FieldType, number>> = {
  id: 18,
  string: 255,
  textarea: 32_000,
  phone: 40,
  email: 80,
  url: 255,
  picklist: 255,
  combobox: 255,
  reference: 18,
};

/** "CallDurationInSeconds" -> "Call Duration In Seconds". */
function labelOf(name: string): string {
  const words = name.replace(/__c$/, "").replace(/(?<=.)Id$/, " ID");
  return words.replaceAll("_", " ").replace(/(?<=[a-z])(?=[A-Z])/g, " ");
}
