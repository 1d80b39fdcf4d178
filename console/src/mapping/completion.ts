import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import { syntaxTree } from "@codemirror/language";
import { type EditorView, hoverTooltip } from "@codemirror/view";
import { memberOf, type SyntaxNode, stepsTo, wordOf } from "./place.ts";
import { inText, meaningOf, namesAt, valuesAt, type Word, type Words } from "./words.ts";

const partOfWord = /[\w.$:-]*$/;
const validFor = /^[\w.$:-]*$/;

/** Offers what the language and the CRM have at the place of the cursor. */
export function completionOf(words: () => Words) {
  return (context: CompletionContext): CompletionResult | null => {
    const node = syntaxTree(context.state).resolveInner(context.pos, -1);
    if (node.name === "PropertyName") return named(context, node, words());
    if (node.name === "String") return inString(context, node, words());
    if (node.name === "Object" && context.explicit) return betweenNames(context, node, words());
    return null;
  };
}

function named({ state, pos }: CompletionContext, node: SyntaxNode, words: Words): CompletionResult | null {
  const object = node.parent?.parent ?? null;
  return result(node.from + 1, namesIn(words, { state }, object), pos, node);
}

function inString(
  { state, pos, explicit }: CompletionContext,
  node: SyntaxNode,
  words: Words,
): CompletionResult | null {
  const steps = stepsTo(state, node);
  if (steps.at(-1) !== "text") return result(node.from + 1, valuesAt(words, steps), pos, node);
  const before = state.sliceDoc(node.from + 1, pos);
  const start = pos - (partOfWord.exec(before)?.[0].length ?? 0);
  if (start === pos && !explicit) return null;
  return { from: start, options: inText(words, before).map(optionOf), validFor };
}

function betweenNames(
  { state, pos }: CompletionContext,
  node: SyntaxNode,
  words: Words,
): CompletionResult | null {
  const options = namesIn(words, { state }, node).map((word) => ({
    ...optionOf(word),
    apply: `"${word.label}": `,
  }));
  return options.length > 0 ? { from: pos, options } : null;
}

function namesIn(
  words: Words,
  { state }: Pick<CompletionContext, "state">,
  object: SyntaxNode | null,
): Word[] {
  const steps = object ? stepsTo(state, object) : [];
  const outer = object?.parent?.parent ?? null;
  const from = memberOf(state, outer, "from");
  const given = new Set(
    (object?.getChildren("Property") ?? []).map((one) => wordOf(state, one.getChild("PropertyName") ?? one)),
  );
  return namesAt(words, steps, from && wordOf(state, from)).filter(({ label }) => !given.has(label));
}

/** In the quotes of a node, whose rest behind the cursor is replaced. */
function result(from: number, words: Word[], pos: number, node: SyntaxNode): CompletionResult | null {
  if (words.length === 0 || pos <= node.from) return null;
  return { from, options: words.map(optionOf), validFor };
}

function optionOf({ label, type, about }: Word): Completion {
  return { label, detail: type, ...(about !== undefined && { info: about }) };
}

/** The meaning of the path or field under the pointer. */
export function meanings(words: () => Words) {
  return hoverTooltip((view, pos) => {
    const node = syntaxTree(view.state).resolveInner(pos, -1);
    if (node.name !== "String" && node.name !== "PropertyName") return null;
    const span = wordAround(view, pos, node);
    const steps = node.name === "PropertyName" ? stepsTo(view.state, node) : undefined;
    const meaning = meaningOf(words(), view.state.sliceDoc(span.from, span.to), steps);
    if (!meaning) return null;
    const create = () => {
      const dom = document.createElement("div");
      dom.className = "meaning";
      const name = document.createElement("code");
      name.textContent = meaning.label;
      dom.append(name, ` ${meaning.type}`);
      if (meaning.about !== undefined) {
        const about = document.createElement("p");
        about.textContent = meaning.about;
        dom.append(about);
      }
      return { dom };
    };
    return { pos: span.from, end: span.to, above: true, create };
  });
}

function wordAround({ state }: EditorView, pos: number, node: SyntaxNode) {
  const before = partOfWord.exec(state.sliceDoc(node.from + 1, pos))?.[0] ?? "";
  const after = /^[\w.$:-]*/.exec(state.sliceDoc(pos, node.to))?.[0] ?? "";
  return { from: pos - before.length, to: pos + after.length };
}
