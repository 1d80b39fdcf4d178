import type { CallDetail } from "../api.ts";
import { useFormat } from "../format.ts";
import { Card } from "../parts.tsx";
import { useText } from "../text/index.ts";

/** Who the call was with, who it belongs to, and why. */
export function People({ detail, zone }: { detail: CallDetail; zone: string | undefined }) {
  const { t } = useText();
  const { summary, explanation } = detail;
  const { contact, owner, agent, followUp } = explanation;
  const { customer, provider } = summary;
  const raw = customer?.number;
  return (
    <>
      <Card title={t.call.contact}>
        <p>
          {contact.chosen ? (
            <>
              <strong>{contact.chosen.name ?? contact.chosen.id}</strong>{" "}
              <span className="soft">
                {contact.chosen.kind} {contact.chosen.id}
              </span>
            </>
          ) : (
            t.call.noContact
          )}
        </p>
        <dl>
          <div>
            <dt>{t.call.customer}</dt>
            <dd>
              {contact.number ?? raw ?? t.calls.unknownCaller}
              {raw !== undefined && raw !== contact.number && <small>{t.call.sentAs(raw)}</small>}
              {customer?.name !== undefined && <small>{t.call.says(provider, customer.name)}</small>}
            </dd>
          </div>
          <div>
            <dt>{t.call.contactWhy}</dt>
            <dd>{[contact.lookup, contact.reason].filter(Boolean).join(": ")}</dd>
          </div>
          {contact.runnersUp.length > 0 && (
            <div>
              <dt>{t.call.runnersUp}</dt>
              <dd>
                <ul>
                  {contact.runnersUp.map(({ id, kind, name }) => (
                    <li key={`${kind} ${id}`}>
                      {name ?? id}{" "}
                      <span className="soft">
                        {kind} {id}
                      </span>
                    </li>
                  ))}
                </ul>
              </dd>
            </div>
          )}
        </dl>
      </Card>
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
