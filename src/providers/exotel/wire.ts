import busboy from "busboy";
import { Rejected } from "../../core/errors.ts";
import type { Delivery } from "../../core/provider.ts";
import { callIdAt, type JsonObject, jsonBody, objectAt, textBody } from "../../lib/body.ts";
import { textOf } from "./values.ts";

/** One request in any encoding. A response of the Call details API is taken out of its `Call`. */
export type ExotelMessage = { callId?: string; fields: JsonObject; receivedAt: string };

/** Throws `Rejected(400)` for a request that names neither a call nor an event. */
export function messageOf(delivery: Delivery): ExotelMessage {
  const outer = fieldsOf(delivery);
  const inner = objectAt(outer, "Call");
  const fields = idAt(inner, "Sid") === undefined ? outer : inner;
  const details = objectAt(fields, "call_details");
  const ids = ["CallSid", "call_sid", "Sid"].map((name) => idAt(fields, name));
  const ofDetails = ["call_sid", "sid"].map((name) => idAt(details, name));
  const callId = [...ids, ...ofDetails].find((id) => id !== undefined);
  if (callId === undefined && textOf(fields, "event") === undefined) {
    throw new Rejected(
      400,
      "not an Exotel notification: it has no CallSid, call_sid, Sid, call_details or event",
    );
  }
  return {
    fields,
    receivedAt: delivery.receivedAt,
    ...(callId !== undefined && { callId }),
  };
}

/**
 * The encoding is taken from the body. Exotel's default is not verified: its pages say form, one consumer had to add
 * multipart (rapidaai/voice-ai PR 206, 2026-08), and `StatusCallbackContentType` requests JSON.
 */
function fieldsOf(delivery: Delivery): JsonObject {
  const text = delivery.method === "GET" ? "" : textBody(delivery).trimStart();
  if (text === "") return nest(withPlus(formFields(queryOf(delivery.url))));
  if (text.startsWith("--")) return nest(multipartFields(text));
  const contentType = delivery.headers["content-type"] ?? "";
  if (/^[{[]/.test(text) || contentType.includes("json")) return jsonBody(delivery);
  return nest(withPlus(formFields(text)));
}

/** A raw `+` before a number reads as a space in a query (as in the vendor's own example). */
function* withPlus(fields: Iterable<readonly [string, string]>): Generator<readonly [string, string]> {
  for (const [name, value] of fields) yield [name, /^ \d{7,15}$/.test(value) ? `+${value.slice(1)}` : value];
}

function queryOf(url: string): string {
  return url.includes("?") ? url.slice(url.indexOf("?") + 1) : "";
}

/** Exotel writes `null` for what it does not know. */
function idAt(fields: JsonObject, name: string): string | undefined {
  const id = callIdAt(fields, name);
  return id === "null" ? undefined : id;
}

type Tree = { [name: string]: string | Tree };

const maxFields = 500;
/** Longer than any value that is used, however it is encoded; multipart fields are cut there too. */
const maxFieldLength = 65_536;
const maxNameLength = 200;
const maxDepth = 5;
const bracketed = /^([^[\]]+)((?:\[[^[\]]+\])*)$/;

/**
 * The fields of a urlencoded form, in order and on demand. `URLSearchParams` parses one field at a time: a million
 * names without a value take it seconds (Node 24).
 */
export function* formFields(form: string): Generator<[string, string]> {
  for (let from = 0, to = 0; from < form.length; from = to + 1) {
    to = form.indexOf("&", from);
    if (to < 0) to = form.length;
    // A leading question mark would be dropped.
    if (to > from) yield* new URLSearchParams(`&${form.slice(from, Math.min(to, from + maxFieldLength))}`);
  }
}

/**
 * Nests the flat names of a form: `Legs[1][Status]` becomes `{Legs: {1: {Status}}}`. An index is a name, so gaps remain
 * (qs would move leg 1 to place 0). Names that are too deep, too long or malformed are left out, as are all fields
 * after the first 500.
 */
export function nest(fields: Iterable<readonly [string, string]>): JsonObject {
  const root = emptyTree();
  let count = 0;
  for (const [name, value] of fields) {
    count += 1;
    if (count > maxFields) break;
    const path = pathOf(name);
    if (path) put(root, path, value);
  }
  return root;
}

function pathOf(name: string): string[] | undefined {
  if (name.length > maxNameLength) return undefined;
  const [, first, brackets = ""] = bracketed.exec(name) ?? [];
  if (!first) return undefined;
  const path = [first, ...[...brackets.matchAll(/\[([^[\]]+)\]/g)].map(([, inner = ""]) => inner)];
  return path.length <= maxDepth ? path : undefined;
}

/** A name that already has members keeps them. */
function put(root: Tree, path: readonly string[], value: string): void {
  let tree = root;
  for (const name of path.slice(0, -1)) {
    const known = tree[name];
    const branch = typeof known === "object" ? known : emptyTree();
    tree[name] = branch;
    tree = branch;
  }
  const last = path.at(-1) ?? "";
  if (typeof tree[last] !== "object") tree[last] = value;
}

/** Without a prototype, `__proto__` and `constructor` are names like any other. */
function emptyTree(): Tree {
  return Object.create(null);
}

const limits = {
  fields: maxFields,
  parts: maxFields,
  files: 0,
  fieldSize: maxFieldLength,
  fieldNameSize: maxNameLength,
  headerPairs: 50,
};
/** Including blanks after its boundary of at most 200 characters. */
const longestFirstLine = 400;

/**
 * The text fields of a multipart form. The boundary is read from the first line, which is right even when the header is
 * missing or damaged. Throws `Rejected(400)` for a truncated form: busboy reports errors only after `end`, so the
 * closing line is checked here.
 */
function multipartFields(text: string): [string, string][] {
  const [, boundary, lineEnd] =
    /^--([^\r\n]{1,200}?)[ \t]*(\r?\n)/.exec(text.slice(0, longestFirstLine)) ?? [];
  if (!boundary || !text.includes(`\n--${boundary}--`)) {
    throw new Rejected(400, "the multipart body is cut off: its closing boundary is missing");
  }
  const fields: [string, string][] = [];
  const form = open(boundary);
  // A part without a name has none.
  form.on("field", (name: string | undefined, value) => void (name && fields.push([name, value])));
  form.on("error", () => {});
  // busboy requires CRLF; bodies that passed through a text tool have lost the CR.
  form.end(lineEnd === "\n" ? withReturns(Buffer.from(text)) : Buffer.from(text));
  return fields;
}

/** Adds a carriage return before every line feed. Doing so in the text takes a tenth of a second for a million of them. */
function withReturns(bytes: Uint8Array): Buffer {
  const all = Buffer.allocUnsafe(bytes.length * 2);
  let length = 0;
  for (let i = 0; i < bytes.length; i += 1) {
    const byte = bytes[i] ?? 0;
    if (byte === 0x0a) all[length++] = 0x0d;
    all[length++] = byte;
  }
  return all.subarray(0, length);
}

function open(boundary: string): busboy.Busboy {
  try {
    const quoted = boundary.replace(/["\\]/g, "\\$&");
    return busboy({ headers: { "content-type": `multipart/form-data; boundary="${quoted}"` }, limits });
  } catch (cause) {
    throw new Rejected(400, "the multipart body has a boundary that cannot be read", { cause });
  }
}
