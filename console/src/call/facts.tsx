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
      <th scope="row" title={name}>
        {t.factNames[name] ?? name}
      </th>
      <td>
        <FactValue name={name} value={value} zone={zone} />
        {overruled.map((other) => (
          <small key={JSON.stringify(other.value)}>
            <s>
              <FactValue name={name} value={other.value} zone={zone} />
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

type Person = { ids?: string[]; number?: string; name?: string; email?: string; talkedAt?: string };

/** A fact as people write it: times in the installation's zone, durations in minutes, names before numbers. */
function FactValue({ name, value, zone }: { name: string; value: unknown; zone: string | undefined }) {
  const { t } = useText();
  const format = useFormat();
  if (name === "recording") return <>{t.there}</>;
  if (typeof value === "string" && name.endsWith("At")) return <>{format.exactTime(value, zone)}</>;
  if (typeof value === "number" && name.endsWith("Seconds")) return <>{format.seconds(value)}</>;
  if (typeof value === "string") {
    const names = { phase: t.phases, direction: t.directions as Record<string, string>, outcome: t.outcomes }[
      name
    ];
    return <Value value={names?.[value] ?? value} />;
  }
  if (name === "customer" || name === "otherEnd") return <PersonName person={value as Person} />;
  if (name !== "agents" || !Array.isArray(value)) return <Value value={value} />;
  return (
    <ul>
      {(value as Person[]).map((agent) => (
        <li key={agent.ids?.join()}>
          <PersonName person={agent} />{" "}
          {agent.talkedAt !== undefined && <span className="soft">{t.talked}</span>}
        </li>
      ))}
    </ul>
  );
}

function PersonName({ person: { name, email, number, ids = [] } }: { person: Person }) {
  return (
    <>
      {name ?? email ?? number ?? ids[0]}{" "}
      <span className="soft">
        {[name && number, name && email, ...ids.slice(name || email ? 0 : 1)].filter(Boolean).join(", ")}
      </span>
    </>
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
