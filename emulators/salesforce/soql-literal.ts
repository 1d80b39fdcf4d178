import type { Field, FieldType, Value } from "./field.ts";
import { fullId } from "./ids.ts";
import { readDatetime } from "./read-values.ts";
import { malformed, refuseQuery } from "./soql-error.ts";

/** A comparison as the parser gives it. */
export type ParsedCondition = {
  field?: string;
  operator: string;
  value?: string | string[];
  literalType?: string | string[];
};

const quoted: ReadonlySet<FieldType> = new Set([
  ...(["id", "string", "textarea", "phone", "email", "url", "picklist", "combobox", "reference"] as const),
]);
const literalTypes: Partial<Record<FieldType, readonly string[]>> = {
  boolean: ["BOOLEAN"],
  int: ["INTEGER"],
  double: ["INTEGER", "DECIMAL"],
  date: ["DATE"],
  datetime: ["DATETIME"],
};
const operators = new Set(["=", "!=", "<", "<=", ">", ">=", "LIKE", "IN", "NOT IN"]);

/** The values that a field is compared with, refused when they are not of its type. */
export function literalsOf(condition: ParsedCondition, field: Field, soql: string): Value[] {
  const { operator, value, literalType } = condition;
  if (!operators.has(operator)) malformed(`the emulator does not know the operator ${operator}`);
  if (value === undefined) malformed("the emulator does not know queries inside of a condition");
  const texts = [value].flat();
  const types = [literalType ?? "STRING"].flat();
  return texts.map((text, index) => literalOf(text, types[index] ?? types[0] ?? "", field, soql));
}

function literalOf(text: string, type: string, field: Field, soql: string): Value {
  if (type === "NULL") return null;
  const isString = type === "STRING";
  if (quoted.has(field.type) ? !isString : !literalTypes[field.type]?.includes(type)) {
    const enclosed = quoted.has(field.type) ? "should be" : "should not be";
    const message = `value of filter criterion for field '${field.name}' must be of type ${field.type} and ${enclosed} enclosed in quotes`;
    return refuseQuery("INVALID_FIELD", soql, field.name, message);
  }
  if (type === "BOOLEAN") return text.toUpperCase() === "TRUE";
  if (type === "INTEGER" || type === "DECIMAL") return Number(text);
  if (type === "DATE") return text;
  if (type === "DATETIME")
    return readDatetime(text) ?? malformed(`line 1 no viable alternative at '${text}'`);
  const plain =
    field.type === "id" || field.type === "reference" ? idLiteral(text, field, soql) : unquote(text);
  return plain;
}

function idLiteral(text: string, field: Field, soql: string): Value {
  const id = unquote(text);
  if (id === "") return null;
  return (
    fullId(id) ?? refuseQuery("INVALID_QUERY_FILTER_OPERATOR", soql, field.name, `invalid ID field: ${id}`)
  );
}

/** Takes quotes and escapes away, except before % and _, which LIKE still needs. */
function unquote(text: string): string {
  return text.slice(1, -1).replace(/\\(.)/gs, (whole, character: string) => {
    if (character === "%" || character === "_") return whole;
    const plain = escapes[character];
    return (
      plain ??
      malformed(
        `Invalid string literal '${text.slice(1, -1)}'. Illegal character sequence '${whole}' in string literal.`,
      )
    );
  });
}

const escapes: Record<string, string> = {
  n: "\n",
  N: "\n",
  r: "\r",
  R: "\r",
  t: "\t",
  T: "\t",
  b: "\b",
  B: "\b",
  f: "\f",
  F: "\f",
  '"': '"',
  "'": "'",
  "\\": "\\",
};
