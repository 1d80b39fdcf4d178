import type { ReactNode } from "react";
import type { Checklist } from "../api.ts";
import { useText } from "../text/index.ts";

type State = Checklist["crm"]["state"];

/** A line of the checklist, with a sign and a word for its state. */
export function Item({ state, title, children }: { state: State; title: ReactNode; children?: ReactNode }) {
  const { t } = useText();
  return (
    <li className={state}>
      <span className="sign" aria-hidden="true">
        {{ done: "✓", open: "", problem: "!" }[state]}
      </span>
      <div>
        <h3>
          {title} <span className="hidden">{t.setup.states[state]}</span>
        </h3>
        {children}
      </div>
    </li>
  );
}
