/** Where a text stops being JSON (or the JSON we need), as a byte offset. */
export class JsonFault extends Error {
  readonly offset: number;

  constructor(offset: number, message: string) {
    super(message);
    this.name = "JsonFault";
    this.offset = offset;
  }
}

/** A place in the bytes of a JSON text. What starts with `skip` or `take` moves it, or throws `JsonFault`. */
export type JsonCursor = { readonly bytes: Buffer; at: number };

/** Deeper than files written by hand, and shallow enough for every reader of JSON. */
const maxDepth = 100;

const literals = ["true", "false", "null"].map((word) => Buffer.from(word));
const numberPattern = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/;

export function skipSpace(cursor: JsonCursor): void {
  for (;;) {
    const byte = cursor.bytes[cursor.at];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
    cursor.at++;
  }
}

/**
 * Steps through a list or an object: the cursor (and its offset) is at each item or member in turn, and the body of the
 * loop moves it past that item.
 */
export function* itemsOf(cursor: JsonCursor, brackets: "{}" | "[]", what: string): Generator<number> {
  const close = brackets.charCodeAt(1);
  take(cursor, brackets[0] ?? "", `expected ${what}: "${brackets[0]}"`);
  skipSpace(cursor);
  for (let isFirst = true; isFirst || cursor.bytes[cursor.at] !== close; isFirst = false) {
    if (isFirst && cursor.bytes[cursor.at] === close) break;
    if (!isFirst) take(cursor, ",", `expected "," or "${brackets[1]}"`);
    skipSpace(cursor);
    yield cursor.at;
    skipSpace(cursor);
  }
  cursor.at++;
}

/** Reads the name of a member, with its colon. */
export function takeName(cursor: JsonCursor): string {
  const start = cursor.at;
  skipString(cursor, "expected a name in double quotes");
  const name: string = JSON.parse(cursor.bytes.toString("utf8", start, cursor.at));
  skipSpace(cursor);
  take(cursor, ":", 'expected ":" after the name');
  skipSpace(cursor);
  return name;
}

/** Checks a whole value, strictly: `JSON.parse` takes its text. */
export function skipValue(cursor: JsonCursor, depth = 0): void {
  const first = cursor.bytes[cursor.at];
  if (first === 0x22) skipString(cursor);
  else if (first === 0x7b || first === 0x5b) skipItems(cursor, first === 0x7b, depth);
  else skipWord(cursor);
}

function skipItems(cursor: JsonCursor, isObject: boolean, depth: number): void {
  if (depth >= maxDepth) throw new JsonFault(cursor.at, `nested deeper than ${maxDepth} levels`);
  for (const _ of itemsOf(cursor, isObject ? "{}" : "[]", "a value")) {
    if (isObject) takeName(cursor);
    skipValue(cursor, depth + 1);
  }
}

function skipWord(cursor: JsonCursor): void {
  const { bytes, at } = cursor;
  const literal = literals.find((word) => bytes.subarray(at, at + word.length).equals(word));
  const digits = literal ?? numberPattern.exec(bytes.toString("latin1", at, at + 400))?.[0];
  if (!digits) throw unexpected(cursor, "expected a value (text in double quotes, number, list or object)");
  cursor.at += digits.length;
}

function skipString(cursor: JsonCursor, expected = "expected a text in double quotes"): void {
  const { bytes, at: start } = cursor;
  take(cursor, '"', expected);
  for (;;) {
    const byte = bytes[cursor.at];
    if (byte === 0x22) break;
    if (byte === undefined) throw new JsonFault(start, "this text has no closing double quote");
    if (byte < 0x20)
      throw new JsonFault(cursor.at, "a line break or control character inside a text (or no closing quote)");
    if (byte === 0x5c) skipEscape(cursor);
    else cursor.at++;
  }
  cursor.at++;
}

function skipEscape(cursor: JsonCursor): void {
  const [sequence] =
    /^\\(["\\/bfnrt]|u[\da-fA-F]{4})/.exec(cursor.bytes.toString("latin1", cursor.at, cursor.at + 6)) ?? [];
  if (!sequence) throw new JsonFault(cursor.at, 'a backslash that means nothing here (write "\\\\")');
  cursor.at += sequence.length;
}

function take(cursor: JsonCursor, character: string, expected: string): void {
  if (cursor.bytes[cursor.at] !== character.charCodeAt(0)) throw unexpected(cursor, expected);
  cursor.at++;
}

export function unexpected({ bytes, at }: JsonCursor, expected: string): JsonFault {
  const found = /^\P{Cc}/u.exec(bytes.toString("utf8", at, at + 4))?.[0];
  const what = at >= bytes.length ? "the end of the file" : found ? `'${found}'` : "a control character";
  return new JsonFault(at, `${expected}, found ${what}`);
}

/** Line and column, counted from 1; the column in characters. */
export function placeOf(bytes: Buffer, offset: number): { line: number; column: number } {
  let line = 1;
  let start = 0;
  for (let i = bytes.indexOf(0x0a); i >= 0 && i < offset; i = bytes.indexOf(0x0a, i + 1)) {
    line++;
    start = i + 1;
  }
  return { line, column: [...bytes.toString("utf8", start, offset)].length + 1 };
}
