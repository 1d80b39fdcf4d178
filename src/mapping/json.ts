import { ConfigError, messageOf } from "../core/errors.ts";

const space = /[ \t\r\n]*/y;
const string = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const plain = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const maxDepth = 50;
const mostValues = 10_000;

type Fail = (at: number, problem: string) => never;
type Scanner = { text: string; at: number; values: number; fail: Fail };

/** The value of a JSON text that people write. Throws `ConfigError` with line and column, also for a name given twice. */
export function parseJson(source: string, file: string): unknown {
  const text = source.startsWith("\uFEFF") ? source.slice(1) : source;
  const fail: Fail = (at, problem) => {
    const lines = text.slice(0, at).split("\n");
    const place = `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`;
    throw new ConfigError([{ at: `${file}: ${place}`, problem, cure: "Correct the JSON there." }]);
  };
  const scanner: Scanner = { text, at: 0, values: 0, fail };
  scanValue(scanner, 0);
  skip(scanner, space);
  if (scanner.at < text.length) fail(scanner.at, "there is more text after the end of the JSON value.");
  try {
    return JSON.parse(text);
  } catch (error) {
    return fail(0, `not JSON: ${messageOf(error)}.`);
  }
}

function skip(scanner: Scanner, pattern: RegExp): string | undefined {
  pattern.lastIndex = scanner.at;
  const found = pattern.exec(scanner.text)?.[0];
  scanner.at += found?.length ?? 0;
  return found;
}

function next(scanner: Scanner, character: string): boolean {
  skip(scanner, space);
  if (scanner.text[scanner.at] !== character) return false;
  scanner.at++;
  return true;
}

function scanValue(scanner: Scanner, depth: number): void {
  scanner.values += 1;
  if (scanner.values > mostValues) scanner.fail(scanner.at, `there are more than ${mostValues} values.`);
  if (depth > maxDepth) scanner.fail(scanner.at, `nested more than ${maxDepth} deep.`);
  if (next(scanner, "{")) scanMembers(scanner, depth);
  else if (next(scanner, "[")) scanItems(scanner, depth);
  else if (skip(scanner, string) === undefined && skip(scanner, plain) === undefined) {
    scanner.fail(scanner.at, `a value is expected here, found ${seen(scanner)}.`);
  }
}

function scanMembers(scanner: Scanner, depth: number): void {
  if (next(scanner, "}")) return;
  const names = new Set<string>();
  do {
    skip(scanner, space);
    const at = scanner.at;
    const name =
      skip(scanner, string) ??
      scanner.fail(at, `a name in double quotes is expected, found ${seen(scanner)}.`);
    if (names.has(name)) scanner.fail(at, `${name.slice(0, 60)} stands here a second time.`);
    names.add(name);
    if (!next(scanner, ":")) scanner.fail(scanner.at, `":" is expected here, found ${seen(scanner)}.`);
    scanValue(scanner, depth + 1);
  } while (next(scanner, ","));
  if (!next(scanner, "}")) scanner.fail(scanner.at, `"," or "}" is expected here, found ${seen(scanner)}.`);
}

function scanItems(scanner: Scanner, depth: number): void {
  if (next(scanner, "]")) return;
  do scanValue(scanner, depth + 1);
  while (next(scanner, ","));
  if (!next(scanner, "]")) scanner.fail(scanner.at, `"," or "]" is expected here, found ${seen(scanner)}.`);
}

function seen({ text, at }: Scanner): string {
  return at < text.length ? JSON.stringify(text[at]) : "the end of the text";
}
