import { type JSONVisitor, visit } from "jsonc-parser";
import { ConfigError, messageOf } from "../core/errors.ts";

const maxDepth = 50;
const mostValues = 10_000;
const aValue = "a value is expected here";
const aName = "a name in double quotes is expected";
const noEnd = 'the text in quotes has no end: a " is missing on this line.';
const escapeSequence = /\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4})/y;

/** Parses JSON written by people. Throws `ConfigError` with line and column, also for a name given twice. */
export function parseJson(source: string, file: string): unknown {
  const text = source.startsWith("\uFEFF") ? source.slice(1) : source;
  /** The names in each enclosing object; undefined for a list. */
  const around: (Set<string> | undefined)[] = [];
  let values = 0;
  /** Undefined after the end of the outermost value. */
  let expected: string | undefined = aValue;

  const fail = (at: number, problem: string): never => {
    const lines = text.slice(0, at).split("\n");
    const place = `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`;
    throw new ConfigError([{ at: `${file}: ${place}`, problem, cure: "Correct the JSON there." }]);
  };
  const begin = (at: number): void => {
    values += 1;
    if (values > mostValues) fail(at, `there are more than ${mostValues} values.`);
    // Throwing here keeps `visit` from recursing any deeper.
    if (around.length > maxDepth) fail(at, `nested more than ${maxDepth} deep.`);
  };
  const enter = (names: Set<string> | undefined): void => {
    around.push(names);
    expected = names ? aName : aValue;
  };
  const end = (): void => {
    expected = around.length > 0 ? `"," or "${around.at(-1) ? "}" : "]"}" is expected here` : undefined;
  };
  const leave = (at: number): void => {
    // Also called before the error about a missing bracket.
    if (text[at] !== "}" && text[at] !== "]") return;
    around.pop();
    end();
  };

  const visitor: JSONVisitor = {
    onObjectBegin(at) {
      begin(at);
      enter(new Set());
    },
    onObjectProperty(name, at) {
      const names = around.at(-1);
      if (names?.has(name)) fail(at, `${JSON.stringify(name).slice(0, 60)} stands here a second time.`);
      names?.add(name);
      expected = '":" is expected here';
    },
    onObjectEnd: leave,
    onArrayBegin(at) {
      begin(at);
      enter(undefined);
    },
    onArrayEnd: leave,
    onLiteralValue(_value, at) {
      begin(at);
      end();
    },
    onSeparator(character) {
      expected = character === "," && around.at(-1) ? aName : aValue;
    },
    onError(_code, at) {
      const inString = text[at] === '"' ? faultInString(text, at) : undefined;
      if (inString) fail(inString.at, inString.problem);
      const found = at < text.length ? JSON.stringify(text[at]) : "the end of the text";
      fail(
        at,
        expected ? `${expected}, found ${found}.` : "there is more text after the end of the JSON value.",
      );
    },
  };
  visit(text, visitor, { disallowComments: true });
  try {
    return JSON.parse(text);
  } catch (error) {
    return fail(0, `not JSON: ${messageOf(error)}.`);
  }
}

/** The first fault of a string that begins at a quote; undefined when it has none. */
function faultInString(text: string, start: number): { at: number; problem: string } | undefined {
  for (let at = start + 1; at < text.length; ) {
    const character = text[at] ?? "";
    if (character === '"') return undefined;
    if (character < " ") {
      const cure = JSON.stringify(character).slice(1, -1);
      const problem = character === "\n" || character === "\r" ? noEnd : `write ${cure} for this character.`;
      return { at: problem === noEnd ? start : at, problem };
    }
    if (character !== "\\") {
      at += 1;
      continue;
    }
    escapeSequence.lastIndex = at;
    const [found] = escapeSequence.exec(text) ?? [];
    if (found === undefined) return { at, problem: "no such escape in JSON; write \\\\ for a backslash." };
    at += found.length;
  }
  return { at: start, problem: noEnd };
}
