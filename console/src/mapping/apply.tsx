import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type SubmitEvent, useState } from "react";
import { Link } from "wouter";
import { useFormat } from "../format.ts";
import { Card, Failed, Value } from "../parts.tsx";
import { type Apply, applied, apply, stopApply } from "./api.ts";
import { useMappingText } from "./text.ts";

const refreshMs = 700;

/** Counts which earlier calls the mapping in use would change, then sends these again. */
export function ApplyCard({
  name,
  mayApply,
  isDirty,
}: {
  name: string;
  mayApply: boolean;
  isDirty: boolean;
}) {
  const m = useMappingText();
  const client = useQueryClient();
  const [days, setDays] = useState(7);
  const queryKey = ["mapping apply", name];
  const { data, error, refetch } = useQuery({
    queryKey,
    queryFn: () => applied(name),
    refetchInterval: ({ state }) => (isAtWork(state.data?.apply) ? refreshMs : false),
  });
  const changing = useMutation({
    mutationFn: (wanted: { days: number } | { run: string } | "stop") =>
      wanted === "stop" ? stopApply(name) : apply(name, wanted),
    onSettled: () => void client.invalidateQueries({ queryKey }),
  });
  const last = data?.apply;
  const isBusy = isAtWork(last) || changing.isPending;
  const plan = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    changing.mutate({ days });
  };
  return (
    <Card title={m.apply} about={m.applyAbout}>
      {error && <Failed error={error} again={() => void refetch()} />}
      {mayApply && (
        <form className="saving" onSubmit={plan}>
          <label>
            {m.days}{" "}
            <input
              type="number"
              min={1}
              max={90}
              required
              value={days}
              onChange={(event) => setDays(event.target.valueAsNumber || 1)}
            />
          </label>
          <button type="submit" disabled={isBusy || isDirty}>
            {m.plan}
          </button>
          {last?.state === "planned" && last.changed > 0 && (
            <button
              type="button"
              className="main"
              disabled={isBusy || isDirty}
              onClick={() => changing.mutate({ run: last.id })}
            >
              {m.run}
            </button>
          )}
          {isAtWork(last) && (
            <button type="button" onClick={() => changing.mutate("stop")}>
              {m.stop}
            </button>
          )}
        </form>
      )}
      {mayApply && isDirty && <p className="soft">{m.saveFirst}</p>}
      <div role="status">
        {last && <Standing last={last} />}
        {changing.error && <p className="warning">{changing.error.message}</p>}
      </div>
      {last && last.examples.length > 0 && <Examples last={last} />}
    </Card>
  );
}

function isAtWork(last: Apply | undefined): boolean {
  return last?.state === "planning" || last?.state === "running";
}

function Standing({ last }: { last: Apply }) {
  const m = useMappingText();
  const format = useFormat();
  const { state, why } = last;
  const [changed, all] = [format.number(last.changed), format.number(last.calls)];
  if (state === "planning") return <p>{m.comparing(all)}</p>;
  if (state === "running") return <p>{m.running(changed, all)}</p>;
  if (state === "stopped") return <p>{m.stopped}</p>;
  if (state === "failed")
    return (
      <p className="warning">
        {m.applyFailed} {why}
      </p>
    );
  if (state === "done") return <p className="good">{m.done(changed, all)}</p>;
  return (
    <>
      <p>
        <strong>{m.planned(changed, all)}</strong>
      </p>
      {last.kept > 0 && <p>{m.kept(format.number(last.kept))}</p>}
      {last.notLogged > 0 && <p className="soft">{m.notLogged(format.number(last.notLogged))}</p>}
    </>
  );
}

function Examples({ last }: { last: Apply }) {
  const m = useMappingText();
  return (
    <details>
      <summary>{m.examples}</summary>
      <ul>
        {last.examples.map(({ key, changes }) => (
          <li key={key}>
            <Link href={`/calls/${encodeURIComponent(key)}`}>{key}</Link>
            <ul>
              {changes.map(({ field, from, to, kept }) => (
                <li key={field}>
                  <code>{field}</code>: <Value value={from} /> → {kept ? m.same : <Value value={to} />}
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ul>
    </details>
  );
}
