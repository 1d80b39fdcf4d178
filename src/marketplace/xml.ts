type Leaf = string | number | boolean;

/** What an element holds, by name and in order. A list repeats the element; what is undefined is left out. */
export type Elements = {
  readonly [name: string]: Leaf | Elements | readonly (Leaf | Elements)[] | undefined;
};

const escapes: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

/** A file of Salesforce's Metadata API, indented as `sf project retrieve` writes it. */
export function metadataXml(type: string, elements: Elements): string {
  const xmlns = "http://soap.sforce.com/2006/04/metadata";
  const lines = ['<?xml version="1.0" encoding="UTF-8"?>', `<${type} xmlns="${xmlns}">`];
  return [...lines, ...linesOf(elements, "    "), `</${type}>`, ""].join("\n");
}

function linesOf(elements: Elements, indent: string): string[] {
  return Object.entries(elements).flatMap(([name, value]) => {
    const values = value === undefined ? [] : isList(value) ? value : [value];
    return values.flatMap((one) =>
      typeof one === "object"
        ? [`${indent}<${name}>`, ...linesOf(one, `${indent}    `), `${indent}</${name}>`]
        : [`${indent}<${name}>${escaped(String(one))}</${name}>`],
    );
  });
}

function escaped(text: string): string {
  return text.replace(/[&<>]/g, (character) => escapes[character] ?? character);
}

function isList(value: Elements[string]): value is readonly (Leaf | Elements)[] {
  return Array.isArray(value);
}
