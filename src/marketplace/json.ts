type Json = string | number | boolean | readonly Json[] | { readonly [key: string]: Json | undefined };

const lineWidth = 110;

/** JSON as the project's formatter writes it: on one line what fits on one, so that a subscription is a line. */
export function jsonText(value: Json): string {
  return `${written(value, "", 0)}\n`;
}

/** `around`: how many characters stand before and after it on its first line. */
function written(value: Json, indent: string, around: number): string {
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

function onOneLine(value: Json): string {
  if (typeof value !== "object") return JSON.stringify(value);
  if (isList(value)) return `[${value.map(onOneLine).join(", ")}]`;
  const entries = entriesOf(value).map(([key, one]) => `${JSON.stringify(key)}: ${onOneLine(one)}`);
  return entries.length === 0 ? "{}" : `{ ${entries.join(", ")} }`;
}

function entriesOf(value: { readonly [key: string]: Json | undefined }): [string, Json][] {
  return Object.entries(value).flatMap(([key, one]) => (one === undefined ? [] : [[key, one]]));
}

function isList(value: object): value is readonly Json[] {
  return Array.isArray(value);
}
