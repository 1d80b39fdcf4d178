type JsonValue =
  | string
  | number
  | boolean
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

const lineWidth = 110;

/** JSON as the project's formatter writes it: on one line what fits on one, so that a subscription is a line. */
export function jsonText(value: JsonValue): string {
  return `${written(value, "", 0)}\n`;
}

/** `around`: how many characters stand before and after it on its first line. */
function written(value: JsonValue, indent: string, around: number): string {
  const short = onOneLine(value);
  if (indent.length + around + short.length <= lineWidth || typeof value !== "object") return short;
  const deeper = `${indent}  `;
  const comma = 1;
  if (isList(value)) {
    const items = value.map((item) => deeper + written(item, deeper, comma));
    return `[\n${items.join(",\n")}\n${indent}]`;
  }
  const entries = entriesOf(value).map(([key, one]) => {
    const name = `${JSON.stringify(key)}: `;
    return deeper + name + written(one, deeper, name.length + comma);
  });
  return `{\n${entries.join(",\n")}\n${indent}}`;
}

function onOneLine(value: JsonValue): string {
  if (typeof value !== "object") return JSON.stringify(value);
  if (isList(value)) return `[${value.map(onOneLine).join(", ")}]`;
  const entries = entriesOf(value).map(([key, one]) => `${JSON.stringify(key)}: ${onOneLine(one)}`);
  return entries.length === 0 ? "{}" : `{ ${entries.join(", ")} }`;
}

function entriesOf(value: { readonly [key: string]: JsonValue | undefined }): [string, JsonValue][] {
  return Object.entries(value).flatMap(([key, one]) => (one === undefined ? [] : [[key, one]]));
}

function isList(value: object): value is readonly JsonValue[] {
  return Array.isArray(value);
}
