import { useQuery } from "@tanstack/react-query";
import { base, type InstallationSummary, installations } from "./api.ts";
import { useFormat } from "./format.ts";
import { Card, Copyable, Empty, Failed, InTerminal, Loading } from "./parts.tsx";
import { useText } from "./text/index.ts";
import { useTitle } from "./title.ts";

/** The installations, and what is still missing for each to log calls. */
export function SetupPage() {
  const { t } = useText();
  useTitle(t.setup.title);
  const { data, error, refetch } = useQuery({ queryKey: ["installations"], queryFn: installations });
  return (
    <>
      <h1>{t.setup.title}</h1>
      <p className="about">{t.setup.about}</p>
      {error ? (
        <Failed error={error} again={() => void refetch()} />
      ) : !data ? (
        <Loading />
      ) : data.items.length === 0 ? (
        <Empty title={t.setup.none}>{t.setup.noneNext}</Empty>
      ) : (
        <div className="cards">
          {data.items.map((one) => (
            <Installation key={one.name} installation={one} />
          ))}
        </div>
      )}
      <InTerminal command="switchhook check" />
    </>
  );
}

function Installation({ installation }: { installation: InstallationSummary }) {
  const { t } = useText();
  const format = useFormat();
  const { name, crm, region, timeZone, connection, contacts, providers, calls, oldestDueAt } = installation;
  const isLost = connection && connection.state !== "active";
  const indexed = format.number(contacts.indexed);
  const states = Object.entries(calls);
  return (
    <Card title={name}>
      <p>
        {t.setup.crm} <strong>{crm}</strong>, {region}, {timeZone}
      </p>
      {isLost && (
        <p className="warning">
          {t.setup.reconnect} <a href={`${base}install/${crm}`}>{t.setup.connectAgain}</a>
        </p>
      )}
      <p>
        {contacts.syncedAt
          ? t.setup.contacts(indexed, format.time(contacts.syncedAt, timeZone))
          : t.setup.contactsNever(indexed)}
      </p>
      <p>
        {states.length === 0
          ? t.setup.noCalls
          : states.map(([state, n]) => (
              <span key={state} className={`badge ${state}`}>
                {t.states[state as keyof typeof t.states]} {format.number(n)}
              </span>
            ))}
      </p>
      {oldestDueAt && Date.parse(oldestDueAt) < Date.now() && (
        <p className="warning">{t.setup.oldestDue(format.ago(oldestDueAt))}</p>
      )}
      <h3>{t.setup.webhooks}</h3>
      <dl>
        {providers.map(({ id, label, webhook }) => (
          <div key={id}>
            <dt>{label}</dt>
            <dd>
              <Copyable text={webhook} />
            </dd>
          </div>
        ))}
      </dl>
    </Card>
  );
}
