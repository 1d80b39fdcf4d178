import { useQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "wouter";
import { Empty, Failed, InTerminal, Loading } from "../parts.tsx";
import { useText } from "../text/index.ts";
import { useTitle } from "../title.ts";
import { failureGroups } from "./api.ts";
import { GroupCard, IgnoredGroups } from "./group.tsx";
import { UnusedWebhooks, WaitingCalls } from "./others.tsx";
import { Retries, RetryButton } from "./retry.tsx";

const tabs = ["refused", "waiting", "unused"] as const;
const commands = { refused: "switchhook dead", waiting: "switchhook explain", unused: "switchhook check" };

/** What did not reach the CRM: refused calls by their reasons, calls that wait, and webhooks that gave no call. */
export function FailuresPage() {
  const { t } = useText();
  useTitle(t.failures.title);
  const [query] = useSearchParams();
  const tab = tabs.find((name) => name === query.get("tab")) ?? "refused";
  return (
    <>
      <h1>{t.failures.title}</h1>
      <nav className="tabs" aria-label={t.failures.views}>
        {tabs.map((name) => (
          <Link
            key={name}
            href={name === "refused" ? "/failures" : `/failures?tab=${name}`}
            aria-current={name === tab ? "page" : undefined}
          >
            {t.failures.tabs[name]}
          </Link>
        ))}
      </nav>
      {tab === "refused" ? <RefusedCalls /> : tab === "waiting" ? <WaitingCalls /> : <UnusedWebhooks />}
      <InTerminal command={commands[tab]} />
    </>
  );
}

function RefusedCalls() {
  const { t } = useText();
  // The prefix "calls" has it read again when a call changes.
  const { data, error, refetch } = useQuery({ queryKey: ["calls", "groups"], queryFn: failureGroups });
  if (error) return <Failed error={error} again={() => void refetch()} />;
  if (!data) return <Loading />;
  const { items, ignored, isPartial } = data;
  return (
    <>
      <p className="about">{t.failures.about}</p>
      <Retries groups={[...items, ...ignored]} />
      {isPartial && <p className="warning">{t.failures.partial}</p>}
      {items.length > 1 && (
        <p className="actions">
          <RetryButton filter={{}} count={items.reduce((sum, { count }) => sum + count, 0)} />
        </p>
      )}
      {items.length === 0 ? (
        <Empty title={t.failures.none}>{t.failures.noneNext}</Empty>
      ) : (
        items.map((group) => <GroupCard key={group.group} group={group} />)
      )}
      <IgnoredGroups groups={ignored} />
    </>
  );
}
