import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Link, useSearchParams } from "wouter";
import { type CallSummary, calls, installations } from "../api.ts";
import { CallTable, Who } from "../calls/table.tsx";
import { useFormat } from "../format.ts";
import { Empty, Failed, InTerminal, Loading } from "../parts.tsx";
import { useText } from "../text/index.ts";
import { useTitle } from "../title.ts";

/** A call without news for so long has ended, and the webhook that says so was lost. */
const quietMs = 3 * 3_600_000;
const endedShown = 30;
/** Screen readers are told how many calls are going on at most this often. */
const tellMs = 5_000;

/** Calls that are going on, and those that have just ended. */
export function LivePage() {
  const { t } = useText();
  useTitle(t.live.title);
  const [isPaused, setPaused] = useState(false);
  const [filter, setFilter] = useSearchParams();
  const installation = filter.get("installation") ?? "";
  const all = useQuery({ queryKey: ["installations"], queryFn: installations });
  const open = useCalls({ state: "open", limit: "100", installation }, isPaused);
  const latest = useCalls({ limit: String(endedShown + 20), installation }, isPaused);
  const known = all.data?.items ?? [];
  const error = open.error ?? latest.error;
  if (error) return <Failed error={error} again={() => void open.refetch()} />;
  if (!open.data || !latest.data) return <Loading />;
  const going = open.data.items.filter(({ updatedAt }) => Date.now() - Date.parse(updatedAt) < quietMs);
  const ended = latest.data.items.filter(({ state }) => state !== "open").slice(0, endedShown);
  return (
    <>
      <h1>{t.live.title}</h1>
      <p className="about">{t.live.about}</p>
      <p className="actions">
        <button type="button" aria-pressed={isPaused} onClick={() => setPaused(!isPaused)}>
          {isPaused ? t.live.go : t.live.pause}
        </button>
        {known.length > 1 && (
          <label>
            <span className="hidden">{t.calls.installation}</span>
            <select
              value={installation}
              onChange={({ target }) => setFilter(target.value === "" ? {} : { installation: target.value })}
            >
              <option value="">{t.calls.any}</option>
              {known.map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
        )}
        {isPaused && <span className="warning">{t.live.paused}</span>}
      </p>
      <h2>{t.live.now}</h2>
      <Told count={going.length} />
      {going.length === 0 ? (
        <Empty title={t.live.none}>{t.live.noneNext}</Empty>
      ) : (
        <ul className="going">
          {going.map((call) => (
            <Going key={call.key} call={call} />
          ))}
        </ul>
      )}
      <h2>{t.live.ended}</h2>
      <CallTable calls={ended} installations={known} />
      <InTerminal command="switchhook explain" />
    </>
  );
}

function useCalls(query: Record<string, string>, isPaused: boolean) {
  const set = Object.entries(query).filter(([, value]) => value !== "");
  return useQuery({
    queryKey: ["calls", "live", query],
    queryFn: () => calls(new URLSearchParams(set)),
    enabled: !isPaused,
  });
}

/** A call that is going on, with its time. A call that rings is marked. */
function Going({ call }: { call: CallSummary }) {
  const { t } = useText();
  const { key, phase, direction, line, agent, startedAt, answeredAt, createdAt } = call;
  const since = (phase === "answered" ? answeredAt : startedAt) ?? createdAt;
  return (
    <li className={phase}>
      <Link className="row" href={`/calls/${encodeURIComponent(key)}`}>
        <Who call={call} />
      </Link>
      <span>
        {direction && t.directions[direction]} {line}
        <small>{agent?.name ?? agent?.email ?? agent?.id}</small>
      </span>
      <span>
        <strong>{t.phases[phase]}</strong>
        <Timer since={since} />
      </span>
    </li>
  );
}

function Timer({ since }: { since: string }) {
  const format = useFormat();
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), 1_000);
    return () => window.clearInterval(timer);
  }, []);
  return <small>{format.seconds(Math.max(0, (now - Date.parse(since)) / 1_000))}</small>;
}

function Told({ count }: { count: number }) {
  const { t } = useText();
  const [told, setTold] = useState(count);
  useEffect(() => {
    const timer = window.setTimeout(() => setTold(count), tellMs);
    return () => window.clearTimeout(timer);
  }, [count]);
  return (
    <p className="hidden" role="status">
      {t.live.going(told)}
    </p>
  );
}
