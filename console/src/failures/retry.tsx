import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useFormat } from "../format.ts";
import { Dialog, Loading } from "../parts.tsx";
import { useRight } from "../session.ts";
import { useText } from "../text/index.ts";
import {
  beginRetry,
  cancelRetry,
  type Group,
  planRetry,
  type Retry,
  type RetryFilter,
  retries,
} from "./api.ts";
import { useProblem } from "./group.tsx";

/** A retry that ended is shown for this long. */
const shownMs = 10 * 60_000;
const pollMs = 1_000;
const queryKey = ["calls", "retries"];

/** Shows how many calls match, and retries them when that is confirmed. */
export function RetryButton({ filter, count }: { filter: RetryFilter; count: number }) {
  const { t } = useText();
  const format = useFormat();
  const isAdmin = useRight("admin");
  const [isOpen, setOpen] = useState(false);
  const label = t.failures.retryAll(format.number(count));
  if (!isAdmin) return null;
  return (
    <>
      <button type="button" className="main" onClick={() => setOpen(true)}>
        {label}
      </button>
      {isOpen && <Plan title={label} filter={filter} close={() => setOpen(false)} />}
    </>
  );
}

function Plan({ title, filter, close }: { title: string; filter: RetryFilter; close: () => void }) {
  const { t } = useText();
  const format = useFormat();
  const client = useQueryClient();
  const plan = useQuery({
    queryKey: ["retry plan", filter],
    queryFn: () => planRetry(filter),
    staleTime: 0,
    gcTime: 0,
  });
  const beginning = useMutation({
    mutationFn: () => beginRetry(filter),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey });
      close();
    },
  });
  const { matches = 0, isPartial = false } = plan.data ?? {};
  const shown = format.number(matches);
  const failed = plan.error ?? beginning.error;
  return (
    <Dialog title={title} close={close}>
      {plan.isPending ? (
        <Loading />
      ) : (
        <>
          <p>
            <strong>{isPartial ? t.failures.plannedMore(shown) : t.failures.planned(shown)}</strong>
          </p>
          <p>{t.failures.planNext}</p>
        </>
      )}
      {failed && (
        <p className="warning" role="alert">
          {failed.message}
        </p>
      )}
      <p className="actions">
        <button
          type="button"
          className="main"
          disabled={matches === 0 || beginning.isPending}
          onClick={() => beginning.mutate()}
        >
          {matches === 0 ? t.failures.nothing : t.failures.begin(shown)}
        </button>
        <button type="button" onClick={close}>
          {t.failures.cancel}
        </button>
      </p>
    </Dialog>
  );
}

/** Retries that are under way, and those that have just ended. */
export function Retries({ groups }: { groups: readonly Group[] }) {
  const { data } = useQuery({
    queryKey,
    queryFn: retries,
    refetchInterval: ({ state }) => (state.data?.items.some(isUnderWay) ? pollMs : false),
  });
  const problem = useProblem();
  const client = useQueryClient();
  // The group of a retry is empty when it has ended.
  const names = useRef(new Map<string, string>());
  for (const group of groups) names.current.set(group.group, problem(group));
  const items = data?.items ?? [];
  const open = items.filter(isUnderWay).length;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the calls are counted again whenever one ends.
  useEffect(() => {
    void client.invalidateQueries({ queryKey: ["calls", "groups"] });
    void client.invalidateQueries({ queryKey: ["calls", "refused"] });
  }, [open, client]);
  return items
    .filter(({ endedAt }) => endedAt === undefined || Date.parse(endedAt) > Date.now() - shownMs)
    .map((retry) => <Progress key={retry.id} retry={retry} name={names.current.get(retry.group ?? "")} />);
}

function isUnderWay({ endedAt }: Retry): boolean {
  return endedAt === undefined;
}

const shownParts = ["logged", "dead", "waiting", "left", "cancelled", "other"] as const;

function Progress({ retry, name }: { retry: Retry; name: string | undefined }) {
  const { t } = useText();
  const format = useFormat();
  const client = useQueryClient();
  const isAdmin = useRight("admin");
  const cancelling = useMutation({
    mutationFn: () => cancelRetry(retry.id),
    onSettled: () => client.invalidateQueries({ queryKey }),
  });
  const { total, state, logged, dead, other } = retry;
  const done = logged + dead + other;
  const parts = shownParts.filter((part) => retry[part] > 0);
  const title = name ?? t.failures.retryOf;
  return (
    <section className="card retry" aria-label={title}>
      <header>
        <h2>{title}</h2>
        <span className={`badge ${state === "done" ? "logged" : "waiting"}`}>{t.failures[state]}</span>
      </header>
      <progress value={done} max={Math.max(total, 1)} aria-label={title} />
      <p>
        <strong>{t.failures.progress(format.number(done), format.number(total))}</strong>{" "}
        <span className="soft">
          {parts.map((part) => t.failures.parts[part](format.number(retry[part]))).join(", ")}
        </span>
      </p>
      {state === "running" && isAdmin && (
        <p className="actions">
          <button type="button" disabled={cancelling.isPending} onClick={() => cancelling.mutate()}>
            {t.failures.cancel}
          </button>
        </p>
      )}
      <p className="hidden" role="status">
        {isUnderWay(retry) ? "" : `${title}: ${t.failures[state]}`}
      </p>
    </section>
  );
}
