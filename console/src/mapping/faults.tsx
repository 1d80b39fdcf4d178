import { type Fault, meantIn } from "./api.ts";
import { useMappingText } from "./text.ts";

type FaultListProps = {
  faults: readonly Fault[];
  warnings: readonly Fault[];
  goTo: (fault: Fault) => void;
  correct: ((fault: Fault, word: string) => void) | undefined;
};

/** What is wrong with the text, each with its place and its cure. */
export function FaultList({ faults, warnings, goTo, correct }: FaultListProps) {
  const m = useMappingText();
  return (
    <div role="status" className="faults">
      {[
        { kind: "bad", title: m.faults(faults.length), items: faults },
        { kind: "warning", title: m.warnings(warnings.length), items: warnings },
      ].map(
        ({ kind, title, items }) =>
          items.length > 0 && (
            <div key={kind} className={kind}>
              <h2>{title}</h2>
              <ul>
                {items.map((fault) => (
                  <li key={fault.at + fault.problem}>
                    <button type="button" className="quiet" onClick={() => goTo(fault)}>
                      {fault.at.replace(/^[^:]*: /, "")}
                    </button>{" "}
                    {fault.problem} {fault.cure} <Correction fault={fault} correct={correct} />
                  </li>
                ))}
              </ul>
            </div>
          ),
      )}
    </div>
  );
}

type CorrectionProps = { fault: Fault; correct: FaultListProps["correct"] };

function Correction({ fault, correct }: CorrectionProps) {
  const m = useMappingText();
  const word = meantIn(fault);
  if (!correct || word === undefined) return null;
  return (
    <button type="button" className="quiet" onClick={() => correct(fault, word)}>
      {m.write(word)}
    </button>
  );
}
