import type { CallDetail } from "../api.ts";
import { useFormat } from "../format.ts";
import { Card } from "../parts.tsx";
import { useText } from "../text/index.ts";
import { ContactCard } from "./contact.tsx";

/** Who the call was with, who it belongs to, and why. */
export function People({ detail, zone }: { detail: CallDetail; zone: string | undefined }) {
  const { t } = useText();
  const { explanation } = detail;
  const { owner, agent, followUp } = explanation;
  return (
    <>
      <ContactCard detail={detail} />
      <Card title={t.call.owner}>
        <p>{owner?.id ? <strong>{owner.name ?? owner.id}</strong> : t.call.noOwner}</p>
        {owner && <p className="soft">{owner.why}</p>}
        {agent !== undefined && (
          <p>
            {t.call.agent}: {agent}
          </p>
        )}
        {followUp && (
          <p>
            {t.call.followUp}: {followUp.taskId} {followUp.state}{" "}
            <span className="soft">{followUp.reason}</span>
          </p>
        )}
      </Card>
      {explanation.answer && <AnswerCard answer={explanation.answer} zone={zone} />}
    </>
  );
}

type Answer = NonNullable<CallDetail["explanation"]["answer"]>;

function AnswerCard({ answer, zone }: { answer: Answer; zone: string | undefined }) {
  const { t } = useText();
  const format = useFormat();
  const { at, agentId, reject, why, lookup, variables } = answer;
  const names = Object.entries(variables);
  return (
    <Card title={t.call.answer}>
      <p>
        <time dateTime={at}>{format.exactTime(at, zone)}</time>{" "}
        <strong>{reject ? t.call.rejected : t.call.answerTo(agentId ?? t.none)}</strong>
      </p>
      <p className="soft">
        {why}. {lookup}
      </p>
      {names.length > 0 && (
        <details>
          <summary>{t.call.variables}</summary>
          <dl>
            {names.map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{String(value)}</dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </Card>
  );
}
