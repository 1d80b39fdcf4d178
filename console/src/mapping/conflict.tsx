import { Card } from "../parts.tsx";
import type { Conflict } from "./api.ts";
import { Compare } from "./compare.tsx";
import { useMappingText } from "./text.ts";

type ConflictCardProps = {
  mine: string;
  theirs: Conflict;
  keepMine: () => void;
  takeTheirs: () => void;
  goOn: () => void;
};

/** Two people saved: both texts, and what to do with them. */
export function ConflictCard({ mine, theirs, keepMine, takeTheirs, goOn }: ConflictCardProps) {
  const m = useMappingText();
  return (
    <div role="alert" className="conflict">
      <Card title={m.conflict} about={m.conflictAbout}>
        <Compare left={{ title: m.theirs, text: theirs.text }} right={{ title: m.mine, text: mine }} />
        <p className="actions">
          <button type="button" className="main" onClick={keepMine}>
            {m.keepMine}
          </button>
          <button type="button" onClick={takeTheirs}>
            {m.takeTheirs}
          </button>
          <button type="button" onClick={goOn}>
            {m.goOn}
          </button>
        </p>
      </Card>
    </div>
  );
}
