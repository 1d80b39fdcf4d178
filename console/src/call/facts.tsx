import type { CallDetail } from "../api.ts";
import { useFormat } from "../format.ts";
import { Card, Value } from "../parts.tsx";
import { useText } from "../text/index.ts";

type Fact = CallDetail["facts"][number];
type Source = Fact["from"][number];

/** Texts of a conversation are shown elsewhere. */
const shownElsewhere: ReadonlySet<string> = new Set(["transcript", "summary"]);

/** Each fact of the call with the webhooks that state it, and those that state another value. */
export function Facts({ detail, zone }: { detail: CallDetail; zone: string | undefined }) {
  const { t } = useText();
  const facts = detail.facts.filter(({ name }) => !shownElsewhere.has(name));
  return (
    <Card title={t.call.facts} about={t.call.factsAbout}>
      <div className="wide">
        <table>
          <thead>
            <tr>
              <th scope="col">{t.call.fact}</th>
              <th scope="col">{t.call.value}</th>
              <th scope="col">{t.call.from}</th>
            </tr>
          </thead>
          <tbody>
            {facts.map((fact) => (
              <FactRow key={fact.name} fact={fact} zone={zone} />
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

function FactRow({ fact: { name, value, from, overruled }, zone }: { fact: Fact; zone: string | undefined }) {
  const { t } = useText();
  return (
    <tr>
      <th scope="row">
        <code>{name}</code>
      </th>
      <td>
        <Value value={value} />
        {overruled.map((other) => (
          <small key={JSON.stringify(other.value)}>
            <s>
              <Value value={other.value} />
            </s>{" "}
            {t.call.overruled}
          </small>
        ))}
      </td>
      <td>
        {from.length === 0 ? (
          <span className="soft">{t.call.concluded}</span>
        ) : (
          <Sources from={from} zone={zone} />
        )}
        {overruled.map((other) => (
          <small key={JSON.stringify(other.value)}>
            <Sources from={other.from} zone={zone} />
          </small>
        ))}
      </td>
    </tr>
  );
}

function Sources({ from, zone }: { from: readonly Source[]; zone: string | undefined }) {
  const format = useFormat();
  return (
    <>
      {from.map(({ at, kind, delivery }) => (
        <span key={`${at} ${kind} ${delivery}`} className="source" title={format.exactTime(at, zone)}>
          {kind}
        </span>
      ))}
    </>
  );
}
