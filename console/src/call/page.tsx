import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "wouter";
import { base, type CallDetail, call as getCall, installations, replay, retry } from "../api.ts";
import { useFormat } from "../format.ts";
import { Failed, InTerminal, Loading, StateBadge } from "../parts.tsx";
import { useRight } from "../session.ts";
import { useText } from "../text/index.ts";
import { useTitle } from "../title.ts";
import { Facts } from "./facts.tsx";
import { Fields } from "./fields.tsx";
import { People } from "./people.tsx";
import { RecordingCard } from "./recording.tsx";
import { Story } from "./story.tsx";

/** The whole story of one call: what came in, what became of it, and why. */
export function CallPage({ callKey }: { callKey: string }) {
  const { t } = useText();
  useTitle(callKey);
  const { data, error, refetch } = useQuery({ queryKey: ["call", callKey], queryFn: () => getCall(callKey) });
  if (error) return <Failed error={error} again={() => void refetch()} />;
  if (!data) return <Loading />;
  return (
    <>
      <p>
        <Link href="/calls">{t.toCalls}</Link>
      </p>
      <Details detail={data} />
      <InTerminal command={`switchhook explain '${callKey.replaceAll("'", "'\\''")}'`} />
    </>
  );
}

function Details({ detail }: { detail: CallDetail }) {
  const zone = useZone(detail.summary.installation);
  return (
    <>
      <Head detail={detail} zone={zone} />
      <div className="columns">
        <div>
          <Story detail={detail} zone={zone} />
        </div>
        <div>
          <People detail={detail} zone={zone} />
          <RecordingCard detail={detail} zone={zone} />
        </div>
      </div>
      <Fields detail={detail} zone={zone} />
      <Facts detail={detail} zone={zone} />
    </>
  );
}

function useZone(installation: string): string | undefined {
  const { data } = useQuery({ queryKey: ["installations"], queryFn: installations });
  return data?.items.find(({ name }) => name === installation)?.timeZone;
}

function Head({ detail, zone }: { detail: CallDetail; zone: string | undefined }) {
  const { t } = useText();
  const format = useFormat();
  const { summary, explanation, crm } = detail;
  const { state, direction, outcome, phase, contact, customer, number, line, provider, talkSeconds } =
    summary;
  const who = contact?.name ?? customer?.name ?? number ?? customer?.number ?? t.calls.unknownCaller;
  const facts = [
    outcome === undefined ? t.phases[phase] : t.outcomes[outcome],
    talkSeconds !== undefined && format.seconds(talkSeconds),
    format.time(summary.startedAt ?? summary.createdAt, zone),
    line,
    provider,
  ];
  const progress = [
    explanation.activityId !== undefined &&
      `${crm ?? t.call.crm}: ${t.call.activity(explanation.activityId)}`,
    explanation.attempts > 0 && t.call.attempts(explanation.attempts),
    explanation.nextTryAt && t.call.nextTry(format.ago(explanation.nextTryAt)),
  ];
  return (
    <header className="head">
      <h1>{t.call.titles[direction ?? "unknown"](who)}</h1>
      <p className="about">{facts.filter(Boolean).join(" · ")}</p>
      <p className="status">
        <StateBadge state={state} /> {t.call.stories[state]}{" "}
        <span className="soft">{progress.filter(Boolean).join(", ")}</span>
      </p>
      {summary.reason !== undefined && (
        <p className={state === "dead" ? "warning" : "soft"}>{summary.reason}</p>
      )}
      {explanation.mergedInto !== undefined && (
        <p>
          {t.call.partOf} <CallLink callKey={explanation.mergedInto} />
        </p>
      )}
      {explanation.merged.length > 0 && (
        <p>
          {t.call.parts}:{" "}
          {explanation.merged.map(({ key }) => (
            <CallLink key={key} callKey={key} />
          ))}
        </p>
      )}
      {explanation.limited !== undefined && <p className="warning">{explanation.limited}</p>}
      <Actions detail={detail} />
    </header>
  );
}

function CallLink({ callKey }: { callKey: string }) {
  return <Link href={`/calls/${encodeURIComponent(callKey)}`}>{callKey}</Link>;
}

function Actions({ detail }: { detail: CallDetail }) {
  const { t } = useText();
  const client = useQueryClient();
  const { key, state } = detail.summary;
  const onSuccess = () => void client.invalidateQueries({ queryKey: ["call", key] });
  const retrying = useMutation({ mutationFn: () => retry(key), onSuccess });
  const replaying = useMutation({ mutationFn: () => replay(key), onSuccess });
  const failed = retrying.error ?? replaying.error;
  const isAdmin = useRight("admin");
  return (
    <>
      <p className="actions">
        {isAdmin && (
          <>
            <button
              type="button"
              className={state === "dead" ? "main" : ""}
              disabled={state === "open" || state === "merged" || retrying.isPending}
              onClick={() => retrying.mutate()}
            >
              {t.call.retry}
            </button>
            <button type="button" disabled={replaying.isPending} onClick={() => replaying.mutate()}>
              {t.call.replay}
            </button>
          </>
        )}
        <a className="button" href={`${base}api/calls/${encodeURIComponent(key)}`} download={`${key}.json`}>
          {t.call.download}
        </a>
      </p>
      <p role="status" aria-live="polite">
        {retrying.isSuccess && t.call.retried}{" "}
        {replaying.isSuccess && t.call.replayed(replaying.data.deliveries)}
      </p>
      {failed && (
        <p role="alert" className="warning">
          {failed.message}
        </p>
      )}
    </>
  );
}
