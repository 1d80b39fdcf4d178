import { isUtf8 } from "node:buffer";
import { createPace } from "../../src/lib/pace.ts";
import { type Document, emptyDocument, isList, takeRecord, textsOf } from "./document.ts";
import { itemsOf, type JsonCursor, JsonFault, skipSpace, skipValue, takeName, unexpected } from "./json.ts";
import { parseRecord } from "./record.ts";
import { type List, shapes } from "./shapes.ts";
import type { Slice, Texts } from "./texts.ts";

/** Large enough for fast writes, small enough to be filled in well under a millisecond. */
const chunkBytes = 256 * 1024;
const byteOrderMark = Buffer.from("\uFEFF");

/** Reads a file's bytes, a few records at a time. Throws `JsonFault` where they are not what we need. */
export async function readDocument(bytes: Buffer, region: string): Promise<Document> {
  checkText(bytes);
  const document = emptyDocument();
  const pace = createPace();
  const cursor = { bytes, at: bytes.subarray(0, 3).equals(byteOrderMark) ? 3 : 0 };
  skipSpace(cursor);
  for (const start of itemsOf(cursor, "{}", "an object")) {
    const name = takeName(cursor);
    if (document.members.has(name)) throw new JsonFault(start, `"${name}" is there twice; join the two`);
    if (isList(name)) {
      textsOf(document, name);
      for (const _ of itemsOf(cursor, "[]", `a list of ${name}`)) {
        readRecord(cursor, name, document, region);
        await pace();
      }
    } else {
      const valueAt = cursor.at;
      skipValue(cursor);
      document.members.set(name, Buffer.from(bytes.subarray(valueAt, cursor.at)));
    }
  }
  skipSpace(cursor);
  if (cursor.at < bytes.length) throw unexpected(cursor, 'expected nothing after the last "}"');
  return document;
}

function readRecord(cursor: JsonCursor, list: List, document: Document, region: string): void {
  const start = cursor.at;
  if (cursor.bytes[start] !== 0x7b) throw unexpected(cursor, `expected a record of ${list}: "{"`);
  skipValue(cursor);
  const texts = textsOf(document, list);
  const record = parseRecord(cursor.bytes.subarray(start, cursor.at));
  const [issue] = shapes[list].safeParse(record).error?.issues ?? [];
  if (issue) {
    const place = [`${list}[${texts.size()}]`, ...issue.path].join(".");
    throw new JsonFault(start, `${place}: ${issue.message}`);
  }
  const place = texts.addSlice(cursor.bytes, start, cursor.at);
  takeRecord(document, { list, record, place }, region);
}

function checkText(bytes: Buffer): void {
  if (isUtf8(bytes)) return;
  for (let start = 0; start < bytes.length; ) {
    const lineEnd = bytes.indexOf(0x0a, start);
    const line = bytes.subarray(start, lineEnd < 0 ? bytes.length : lineEnd + 1);
    if (!isUtf8(line)) {
      const before = line.toString("utf8").indexOf("\uFFFD");
      const offset = start + Buffer.byteLength(line.toString("utf8").slice(0, before));
      throw new JsonFault(offset, "not UTF-8 text; save the file as UTF-8");
    }
    start += line.length;
  }
}

/** The bytes of the file, one record a line, in chunks that share one buffer: write one before taking the next. */
export function* chunksOf(document: Document): Generator<Buffer> {
  const chunk = Buffer.allocUnsafe(chunkBytes);
  let length = 0;
  for (const { bytes, start, end } of piecesOf(document)) {
    if (end - start > chunkBytes - length) {
      yield chunk.subarray(0, length);
      length = 0;
    }
    if (end - start > chunkBytes) yield bytes.subarray(start, end);
    else length += bytes.copy(chunk, length, start, end);
  }
  yield chunk.subarray(0, length);
}

const firstLine = sliceOf("\n    ");
const nextLine = sliceOf(",\n    ");

function* piecesOf(document: Document): Generator<Slice> {
  let separator = "{\n";
  for (const [name, content] of document.members) {
    yield sliceOf(`${separator}  ${JSON.stringify(name)}: `);
    separator = ",\n";
    if (Buffer.isBuffer(content)) yield sliceOf(content);
    else yield* listPieces(content);
  }
  yield sliceOf(document.members.size === 0 ? "{}\n" : "\n}\n");
}

function* listPieces(texts: Texts): Generator<Slice> {
  yield sliceOf("[");
  let before: Slice | undefined;
  for (const text of texts.all()) {
    yield before ? nextLine : firstLine;
    yield text;
    before = text;
  }
  yield sliceOf(before ? "\n  ]" : "]");
}

function sliceOf(content: string | Buffer): Slice {
  const bytes = Buffer.from(content);
  return { bytes, start: 0, end: bytes.length };
}
