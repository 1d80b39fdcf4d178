import busboy from "busboy";
import { Rejected } from "../../core/errors.ts";
import { maxFieldLength } from "./form.ts";

const limits = {
  fields: 500,
  parts: 500,
  files: 0,
  fieldSize: maxFieldLength,
  fieldNameSize: 200,
  headerPairs: 50,
};
/** With the blanks that a first line may have behind its boundary of 200 characters at most. */
const longestFirstLine = 400;

/**
 * The text fields of a multipart form. The boundary is read from the first line, which is right even when the header
 * is missing or damaged. Throws `Rejected(400)` for a form that was cut off.
 *
 * busboy emits the fields of a whole buffer within `end`, its errors only later: so the closing line is checked here.
 */
export function multipartFields(text: string): [string, string][] {
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
  // busboy knows CRLF only; bodies that passed through a text tool have lost the CR.
  form.end(lineEnd === "\n" ? withReturns(Buffer.from(text)) : Buffer.from(text));
  return fields;
}

/** A carriage return before every line feed. Replaced in the text, a million of them would take a tenth of a second. */
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
