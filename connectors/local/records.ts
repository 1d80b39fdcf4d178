import { isUtf8 } from "node:buffer";
import { type ParseError, parse, printParseErrorCode } from "jsonc-parser";
import { z } from "zod";
import { type Contact, contactKinds, type Owner } from "../../src/core/contact.ts";
import type { Fields, FieldValue } from "../../src/core/crm.ts";
import { messageOf } from "../../src/core/errors.ts";
import { isoFromMs, type JsonObject, textAt } from "../../src/lib/body.ts";

const id = z.union([z.string().min(1), z.number()], { error: 'expected an id, e.g. "12"' });
const kind = z.enum(contactKinds, { error: 'expected "contact", "lead" or "company"' });
const phone = z.union([z.string(), z.number()], { error: "expected a phone number in double quotes" });
const phones = z.array(phone, { error: 'expected a list of phone numbers, e.g. ["+31612345678"]' });
const record = { error: 'expected a record: "{"' };
const key = z.string({ error: "expected the key of a call, a text" }).nullish();
const activity = z.looseObject({ id, key }, record);

/** The members that a record needs; people may add others. */
export const shapes = {
  contacts: z.looseObject({ id, kind: kind.nullish(), phones: phones.nullish() }, record),
  owners: z.looseObject({ id }, record),
  activities: activity,
  tasks: activity,
};

const contactMembers = new Set("id kind name email company ownerId phones activeAt __proto__".split(" "));

export function contactOf(record: JsonObject): Contact {
  const activeAt = isoOf(textAt(record, "activeAt") ?? textAt(record, "updatedAt"));
  const others = Object.entries(record).flatMap(([name, value]): [string, FieldValue][] =>
    !contactMembers.has(name) && isScalar(value) ? [[name, value]] : [],
  );
  return {
    id: String(record["id"]),
    kind: contactKinds.find((name) => name === record["kind"]) ?? "contact",
    ...texts(record, ["name", "email", "company", "ownerId"]),
    phones: Array.isArray(record["phones"]) ? record["phones"].map(String) : [],
    ...(activeAt && { activeAt }),
    fields: Object.fromEntries(others),
  };
}

export function ownerOf(record: JsonObject): Owner {
  const left = record["left"] === true && { left: true as const };
  return { id: String(record["id"]), ...texts(record, ["name", "email"]), ...left };
}

function texts<N extends string>(record: JsonObject, names: readonly N[]): { [name in N]?: string } {
  const found: { [name in N]?: string } = {};
  for (const name of names) {
    const value = textAt(record, name);
    if (value !== undefined) found[name] = value;
  }
  return found;
}

/** A date as people write it, `2026-11-02`, or one with a time. */
function isoOf(text: string | undefined): string | undefined {
  return text && /^\d{4}-\d\d-\d\d/.test(text) ? isoFromMs(Date.parse(text)) : undefined;
}

/** The higher of a number and an id that is a number. */
export function higherId(last: number, id: unknown): number {
  return /^\d{1,15}$/.test(String(id)) ? Math.max(last, Number(id)) : last;
}

export function isScalar(value: unknown): value is FieldValue {
  return typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
}

/** The fields of a record as `fieldsToWrite` compares them: null is absent, a list or object is its JSON text. */
export function fieldsIn(record: JsonObject): Fields {
  const fields = Object.entries(record).flatMap(([name, value]): [string, FieldValue][] => {
    if (value === null || value === undefined) return [];
    return [[name, isScalar(value) ? value : JSON.stringify(value)]];
  });
  return Object.fromEntries(fields);
}

/** A record as one line: `{ "id": "1", "name": "Asha" }`. */
export function renderRecord(record: unknown): string {
  // A line break can only come from the layout: inside a text JSON writes it as \n.
  return JSON.stringify(record, null, 1).replace(/\n */g, " ");
}

type ExactJson = {
  rawJSON(text: string): unknown;
  parse(
    text: string,
    revive: (name: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown;
};

/**
 * Parses JSON that is written again: a number with more digits than JavaScript holds stays as a person wrote it. `parsed`: the
 * same text, if it is parsed already.
 */
export function parseExactly(text: string, parsed?: unknown): unknown {
  if (!/[\d.]{16}/.test(text)) return parsed ?? JSON.parse(text);
  const exact = JSON as unknown as ExactJson;
  return exact.parse(text, (_, value, { source }) =>
    typeof value === "number" && source !== undefined && String(value) !== source
      ? exact.rawJSON(source)
      : value,
  );
}

/** Where a file is not the JSON that we need. */
export class JsonFault extends Error {
  constructor(place: string, problem: string) {
    super(`${place}: ${problem}`);
    this.name = "JsonFault";
  }
}

/** Bytes as text. Throws `JsonFault` where they are not UTF-8; `line` is the number of the first line. */
export function textOf(bytes: Buffer, line = 1): string {
  const text = bytes.toString("utf8");
  if (isUtf8(bytes)) return text.replace(/^\uFEFF/, "");
  throw new JsonFault(placeIn(text, text.indexOf("\uFFFD"), line), "not UTF-8 text; save the file as UTF-8");
}

/** Parses a text of a person. Throws `JsonFault` with the place; `line` is the number of the first line. */
export function parseText(text: string, line = 1): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const errors: ParseError[] = [];
    try {
      parse(text, errors, { disallowComments: true });
    } catch {
      // Nested deeper than its stack.
    }
    const [first] = errors;
    if (!first) throw new JsonFault(`line ${line}`, messageOf(cause));
    const problem = printParseErrorCode(first.error).replace(
      /\B[A-Z]/g,
      (letter) => ` ${letter.toLowerCase()}`,
    );
    throw new JsonFault(placeIn(text, first.offset, line), `not JSON (${problem})`);
  }
}

/** Line and column, counted from 1. */
export function placeIn(text: string, offset: number, line = 1): string {
  const lines = text.slice(0, offset).split("\n");
  return `line ${line + lines.length - 1}, column ${[...(lines.at(-1) ?? "")].length + 1}`;
}
