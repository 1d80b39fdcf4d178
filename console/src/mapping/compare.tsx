import { json } from "@codemirror/lang-json";
import { MergeView } from "@codemirror/merge";
import { EditorState } from "@codemirror/state";
import { EditorView, lineNumbers } from "@codemirror/view";
import { useEffect, useRef } from "react";
import { colours, theme } from "./colours.ts";
import { nonce } from "./editor.tsx";

type Side = { title: string; text: string };

/** Two texts side by side, with what differs marked. */
export function Compare({ left, right }: { left: Side; right: Side }) {
  const place = useRef<HTMLDivElement>(null);
  const [a, b] = [left.text, right.text];
  useEffect(() => {
    if (!place.current) return undefined;
    const side = (doc: string, label: string) => ({
      doc,
      extensions: [
        nonce,
        theme,
        colours,
        lineNumbers(),
        json(),
        EditorView.lineWrapping,
        EditorState.readOnly.of(true),
        EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
      ],
    });
    const opened = new MergeView({
      parent: place.current,
      a: side(a, left.title),
      b: side(b, right.title),
      collapseUnchanged: { margin: 2, minSize: 6 },
    });
    return () => opened.destroy();
  }, [a, b, left.title, right.title]);
  return (
    <div className="compare">
      <div className="sides">
        <h3>{left.title}</h3>
        <h3>{right.title}</h3>
      </div>
      <div ref={place} />
    </div>
  );
}
