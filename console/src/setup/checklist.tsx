import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { base, type Checklist, checkCrm, checklist, type InstallationSummary } from "../api.ts";
import { useFormat } from "../format.ts";
import { Card, Failed, Loading } from "../parts.tsx";
import { useRight } from "../session.ts";
import { useText } from "../text/index.ts";
import { Item } from "./item.tsx";
import { ProviderItem } from "./provider.tsx";

/** A refused webhook is to be seen within this time. */
const refreshMs = 4_000;

/** What is done and what is missing until an installation logs calls. */
export function ChecklistCard({ installation }: { installation: InstallationSummary }) {
  const { t } = useText();
  const { name, region, timeZone } = installation;
  const { data, error, refetch } = useQuery({
    queryKey: ["checklist", name],
    queryFn: () => checklist(name),
    refetchInterval: refreshMs,
  });
  if (error) return <Failed error={error} again={() => void refetch()} />;
  if (!data) return <Loading />;
  return (
    <Card title={name} about={`${data.crm.type}, ${region}, ${timeZone}`}>
      <p>
        <progress value={data.done} max={data.total} aria-label={t.setup.progress(data.done, data.total)} />{" "}
        {t.setup.progress(data.done, data.total)}
      </p>
      <ol className="checklist">
        <CrmItem checklist={data} />
        <ContactsItem checklist={data} zone={timeZone} />
        {data.providers.map((provider) => (
          <ProviderItem key={provider.id} provider={provider} installation={name} zone={timeZone} />
        ))}
        <AgentsItem checklist={data} />
        <LoggedItem checklist={data} />
      </ol>
    </Card>
  );
}

function CrmItem({ checklist: { installation, crm } }: { checklist: Checklist }) {
  const { t } = useText();
  const isAdmin = useRight("admin");
  const checking = useMutation({ mutationFn: () => checkCrm(installation) });
  const faults = checking.data?.checks.flatMap((check) => check.faults);
  return (
    <Item state={crm.state} title={t.setup.crmConnected}>
      {crm.state === "problem" && (
        <p className="warning">
          {t.setup.reconnect} {crm.reason} <a href={`${base}install/${crm.type}`}>{t.setup.connectAgain}</a>
        </p>
      )}
      {isAdmin && (
        <p>
          <button type="button" disabled={checking.isPending} onClick={() => checking.mutate()}>
            {t.setup.check}
          </button>
        </p>
      )}
      <div role="status">
        {faults?.length === 0 && <p>{t.setup.checkedFine}</p>}
        {faults?.map(({ at, problem, cure }) => (
          <p key={at + problem} className="warning">
            {at}: {problem} {cure}
          </p>
        ))}
        {checking.error && <p className="warning">{checking.error.message}</p>}
      </div>
    </Item>
  );
}

function ContactsItem({ checklist: { contacts }, zone }: { checklist: Checklist; zone: string }) {
  const { t } = useText();
  const format = useFormat();
  const indexed = format.number(contacts.indexed);
  return (
    <Item state={contacts.state} title={t.setup.contactsKnown}>
      <p className="soft">
        {contacts.syncedAt === undefined
          ? t.setup.contactsNever(indexed)
          : t.setup.contacts(indexed, format.time(contacts.syncedAt, zone))}
      </p>
    </Item>
  );
}

function AgentsItem({ checklist: { agents } }: { checklist: Checklist }) {
  const { t } = useText();
  return (
    <Item state={agents.state} title={t.setup.agents}>
      {agents.unknown.length > 0 && (
        <>
          <p>{t.setup.unknownAgents}</p>
          <ul>
            {agents.unknown.map(({ provider, id, name, calls }) => (
              <li key={`${provider} ${id}`}>
                {name ?? id} <span className="soft">{`${provider} ${id}, ${t.calls.count(calls)}`}</span>
              </li>
            ))}
          </ul>
        </>
      )}
      {agents.withoutUser.length > 0 && (
        <p>
          {t.setup.withoutUser} {agents.withoutUser.join(", ")}
        </p>
      )}
      {agents.state !== "done" && <p className="soft">{t.setup.agentsNext}</p>}
    </Item>
  );
}

function LoggedItem({ checklist: { installation, logged } }: { checklist: Checklist }) {
  const { t } = useText();
  const format = useFormat();
  const list = (state: string) => `/calls?installation=${installation}&state=${state}`;
  return (
    <Item state={logged.state} title={t.setup.firstLogged}>
      {logged.calls > 0 && (
        <p>
          <Link href={list("logged")}>{t.setup.loggedCalls(format.number(logged.calls))}</Link>
        </p>
      )}
      {logged.refused > 0 && (
        <p className="warning">
          <Link href={list("dead")}>{t.setup.refusedCalls(format.number(logged.refused))}</Link>
        </p>
      )}
      {logged.calls + logged.refused === 0 && <p className="soft">{t.setup.loggedNext}</p>}
    </Item>
  );
}
