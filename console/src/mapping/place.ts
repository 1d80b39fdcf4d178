import { ensureSyntaxTree, syntaxTree } from "@codemirror/language";
import type { EditorState } from "@codemirror/state";
import type { Fault } from "./api.ts";

export type SyntaxNode = ReturnType<typeof syntaxTree>["topNode"];
export type Span = { from: number; to: number };
type Step = string | number;

const parseMs = 200;

function treeOf(state: EditorState): SyntaxNode {
  return (ensureSyntaxTree(state, state.doc.length, parseMs) ?? syntaxTree(state)).topNode;
}

/** The text of a name or of a string, without its quotes. */
export function wordOf(state: EditorState, { from, to }: Span): string {
  const source = state.sliceDoc(from, to);
  try {
    return String(JSON.parse(source));
  } catch {
    return source.replace(/^"|"$/g, "");
  }
}

/** The keys and positions that lead to a node, from the outermost value. */
export function stepsTo(state: EditorState, node: SyntaxNode): Step[] {
  const steps: Step[] = [];
  for (let at: SyntaxNode | null = node; at; at = at.parent) {
    if (at.name === "Property") {
      const name = at.getChild("PropertyName");
      steps.unshift(name ? wordOf(state, name) : "");
    } else if (at.parent?.name === "Array" && isValue(at))
      steps.unshift(valuesOf(at.parent).indexOf(at.from));
  }
  return steps;
}

/** The value of another member of the same object. */
export function memberOf(
  state: EditorState,
  object: SyntaxNode | null,
  name: string,
): SyntaxNode | undefined {
  const property = object
    ?.getChildren("Property")
    .find((one) => wordOf(state, one.getChild("PropertyName") ?? one) === name);
  return property && valueIn(property);
}

/** The value of a member. */
function valueIn(property: SyntaxNode): SyntaxNode | undefined {
  const last = property.lastChild;
  return last && isValue(last) ? last : undefined;
}

function isValue({ name }: SyntaxNode): boolean {
  return /^(?:Object|Array|String|Number|True|False|Null)$/.test(name);
}

function valuesOf(array: SyntaxNode): number[] {
  const found: number[] = [];
  for (let child = array.firstChild; child; child = child.nextSibling)
    if (isValue(child)) found.push(child.from);
  return found;
}

type Found = { name?: SyntaxNode; value?: SyntaxNode };

/** Where in the text a fault is: at the word that is wrong, if it is there, else at the name or the value. */
export function placeOf(state: EditorState, fault: Fault): Span {
  const place = fault.at.includes(": ") ? fault.at.slice(fault.at.indexOf(": ") + 2) : "";
  const [, line, column] = /^line (\d+), column (\d+)$/.exec(place) ?? [];
  if (line !== undefined) return lineSpan(state, Number(line), Number(column));
  const found = follow(state, treeOf(state).firstChild, place);
  return wordSpan(state, found, fault) ?? nameOrValue(state, found, fault);
}

function lineSpan(state: EditorState, number: number, column: number): Span {
  const line = state.doc.line(Math.min(Math.max(number, 1), state.doc.lines));
  const from = Math.min(line.from + column - 1, line.to);
  return { from, to: Math.min(from + 1, state.doc.length) };
}

/** Keys can have dots in them: the longest key that fits wins. */
function follow(state: EditorState, node: SyntaxNode | null | undefined, place: string): Found {
  if (!node || place === "") return node ? { value: node } : {};
  const [whole, index] = /^\[(\d+)\]\.?/.exec(place) ?? [];
  if (whole !== undefined) {
    const item = node.name === "Array" ? itemAt(node, Number(index)) : undefined;
    return item ? follow(state, item, place.slice(whole.length)) : { value: node };
  }
  const fitting = node.getChildren("Property").flatMap((property) => {
    const name = property.getChild("PropertyName");
    const key = name ? wordOf(state, name).slice(0, 100) : "";
    const isHere = place === key || place.startsWith(`${key}.`) || place.startsWith(`${key}[`);
    return name && isHere ? [{ property, name, key }] : [];
  });
  const [best] = fitting.sort((a, b) => b.key.length - a.key.length);
  if (!best) return { value: node };
  const rest = place.slice(best.key.length).replace(/^\./, "");
  const value = valueIn(best.property);
  if (rest === "") return { name: best.name, ...(value && { value }) };
  const deeper = follow(state, value, rest);
  // What is missing is shown at the name of what should have it.
  return deeper.name || deeper.value !== value ? deeper : { name: best.name, ...(value && { value }) };
}

function itemAt(array: SyntaxNode, index: number): SyntaxNode | undefined {
  const from = valuesOf(array)[index];
  for (let child = array.firstChild; child; child = child.nextSibling) if (child.from === from) return child;
  return undefined;
}

function wordSpan(state: EditorState, { value }: Found, { problem }: Fault): Span | undefined {
  if (!value || value.name === "Object" || value.name === "Array") return undefined;
  const source = state.sliceDoc(value.from, value.to);
  const words = problem.replace(/\.$/, "").split(/[\s,]+/);
  const [first = "", last = ""] = [words[0], words.at(-1)];
  for (const word of [first, last]) {
    const at = word.length > 1 ? source.indexOf(word) : -1;
    if (at >= 0) return { from: value.from + at, to: value.from + at + word.length };
  }
  return undefined;
}

function nameOrValue(state: EditorState, { name, value }: Found, { problem }: Fault): Span {
  const isName =
    name && problem.split(/[\s,]+/).some((word) => word.replace(/\.$/, "") === wordOf(state, name));
  const isLarge = value?.name === "Object" || value?.name === "Array";
  const shown = name && (isName || isLarge || !value) ? name : value;
  if (!shown) return { from: 0, to: Math.min(1, state.doc.length) };
  return shown.name === "Object"
    ? { from: shown.from, to: shown.from + 1 }
    : { from: shown.from, to: shown.to };
}
