import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { bracketMatching, foldGutter, foldKeymap } from "@codemirror/language";
import { type Diagnostic, lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { EditorState, type Extension } from "@codemirror/state";
import { drawSelection, EditorView, keymap, lineNumbers } from "@codemirror/view";
import { type Ref, useEffect, useImperativeHandle, useRef } from "react";
import { type Fault, meantIn } from "./api.ts";
import { colours, theme } from "./colours.ts";
import { completionOf, meanings } from "./completion.ts";
import { placeOf } from "./place.ts";
import type { Words } from "./words.ts";

/** What the page does with the editor. */
export type EditorHandle = {
  /** Replaces all of the text; undo brings back what was there. */
  replace(text: string): void;
  /** Puts the cursor where the fault is. */
  goTo(fault: Fault): void;
  /** Writes this word in place of the one that is wrong. */
  correct(fault: Fault, word: string): void;
};

type EditorProps = {
  ref: Ref<EditorHandle>;
  first: string;
  label: string;
  isReadOnly: boolean;
  words: Words;
  faults: readonly Fault[];
  warnings: readonly Fault[];
  changed: (text: string) => void;
  save: () => void;
};

/** The nonce of the page, for the styles that editors put into it. */
export const nonce: Extension = EditorView.cspNonce.of(
  document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? "",
);

/** The mapping file as text, with completion, and faults at their places. */
export function Editor(props: EditorProps) {
  const { ref, faults, warnings, isReadOnly, label } = props;
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const now = useRef(props);
  now.current = props;

  useEffect(() => {
    if (!place.current) return undefined;
    const words = () => now.current.words;
    const saveByKey = () => {
      now.current.save();
      return true;
    };
    const opened = new EditorView({
      parent: place.current,
      doc: now.current.first,
      extensions: [
        nonce,
        theme,
        colours,
        lineNumbers(),
        foldGutter(),
        lintGutter(),
        history(),
        drawSelection(),
        json(),
        bracketMatching(),
        closeBrackets(),
        autocompletion({ override: [completionOf(words)], icons: false }),
        meanings(words),
        EditorView.lineWrapping,
        EditorState.readOnly.of(isReadOnly),
        EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
        keymap.of([
          { key: "Mod-s", preventDefault: true, run: saveByKey },
          ...closeBracketsKeymap,
          ...defaultKeymap,
          ...historyKeymap,
          ...foldKeymap,
          ...completionKeymap,
          ...lintKeymap,
        ]),
        EditorView.updateListener.of(({ docChanged, state }) => {
          if (docChanged) now.current.changed(state.doc.toString());
        }),
      ],
    });
    view.current = opened;
    return () => opened.destroy();
  }, [isReadOnly, label]);

  useEffect(() => {
    const opened = view.current;
    if (!opened) return;
    const { state } = opened;
    const all = [
      ...faults.map((fault) => diagnosticOf(state, fault, "error")),
      ...warnings.map((fault) => diagnosticOf(state, fault, "warning")),
    ];
    opened.dispatch(setDiagnostics(state, all));
  }, [faults, warnings]);

  useImperativeHandle(ref, () => ({
    replace(text) {
      const opened = view.current;
      opened?.dispatch({ changes: { from: 0, to: opened.state.doc.length, insert: text } });
    },
    goTo(fault) {
      const opened = view.current;
      if (!opened) return;
      const { from, to } = placeOf(opened.state, fault);
      opened.dispatch({ selection: { anchor: from, head: to }, scrollIntoView: true });
      opened.focus();
    },
    correct(fault, word) {
      const opened = view.current;
      if (!opened) return;
      const { from, to } = placeOf(opened.state, fault);
      replacing(word, opened.state.sliceDoc(from, to)).apply(opened, from, to);
      opened.focus();
    },
  }));

  return <div className="editor" ref={place} />;
}

function diagnosticOf(state: EditorState, fault: Fault, severity: Diagnostic["severity"]): Diagnostic {
  const { problem, cure } = fault;
  const span = placeOf(state, fault);
  const word = meantIn(fault);
  return {
    ...span,
    severity,
    message: cure === undefined ? problem : `${problem} ${cure}`,
    ...(word !== undefined && { actions: [replacing(word, state.sliceDoc(span.from, span.to))] }),
  };
}

/** Puts the right word in place of the wrong one, in whose place the quotes may be. */
function replacing(word: string, wrong: string) {
  const insert = wrong.startsWith('"') ? JSON.stringify(word) : word;
  return {
    name: word,
    apply: (view: EditorView, from: number, to: number) => view.dispatch({ changes: { from, to, insert } }),
  };
}
