import { useEffect, useRef } from "react";
import { Link } from "wouter";
import type { CallSummary, InstallationSummary } from "../api.ts";
import { useFormat } from "../format.ts";
import { StateBadge } from "../parts.tsx";
import { useText } from "../text/index.ts";

type TableProps = { calls: readonly CallSummary[]; installations: readonly InstallationSummary[] };

/** Calls, the latest first. `j` and `k` move between them. */
export function CallTable({ calls, installations }: TableProps) {
  const { t } = useText();
  const body = useRef<HTMLTableSectionElement>(null);
  useEffect(() => {
    const move = (event: KeyboardEvent) => {
      const step = { j: 1, k: -1 }[event.key];
      if (!step || event.ctrlKey || event.metaKey || isTyping(event.target)) return;
      const links = [...(body.current?.querySelectorAll<HTMLElement>("a.row") ?? [])];
      const at = links.indexOf(document.activeElement as HTMLElement);
      links[Math.min(links.length - 1, Math.max(0, at + step))]?.focus();
    };
    document.addEventListener("keydown", move);
    return () => document.removeEventListener("keydown", move);
  }, []);
  const zones = new Map(installations.map(({ name, timeZone }) => [name, timeZone]));
  return (
    <div className="wide">
      <table className="calls">
        <thead>
          <tr>
            <th scope="col">{t.calls.when}</th>
            <th scope="col">{t.calls.who}</th>
            <th scope="col">{t.calls.how}</th>
            <th scope="col">{t.calls.line}</th>
            <th scope="col">{t.calls.agent}</th>
            <th scope="col">{t.calls.length}</th>
            <th scope="col">{t.calls.state}</th>
          </tr>
        </thead>
        <tbody ref={body}>
          {calls.map((call) => (
            <CallRow key={call.key} call={call} zone={zones.get(call.installation)} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Whether a key is for a field of the page. */
export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

function CallRow({ call, zone }: { call: CallSummary; zone: string | undefined }) {
  const { t } = useText();
  const format = useFormat();
  const { key, createdAt, direction, outcome, phase, line, agent, talkSeconds, state, reason, provider } =
    call;
  const how = outcome === undefined ? t.phases[phase] : t.outcomes[outcome];
  return (
    <tr>
      <td>
        <Link className="row" href={`/calls/${encodeURIComponent(key)}`}>
          <time dateTime={createdAt} title={format.ago(createdAt)}>
            {format.time(createdAt, zone)}
          </time>
        </Link>
      </td>
      <td>
        <Who call={call} />
      </td>
      <td>
        {direction && t.directions[direction]} {how}
        <small>{provider}</small>
      </td>
      <td>{line}</td>
      <td>{agent?.name ?? agent?.email ?? agent?.id}</td>
      <td>{talkSeconds === undefined ? "" : format.seconds(talkSeconds)}</td>
      <td>
        <StateBadge state={state} />
        {reason !== undefined && state !== "logged" && <small className="reason">{reason}</small>}
      </td>
    </tr>
  );
}

export function Who({ call: { contact: matched, candidate, customer, number } }: { call: CallSummary }) {
  const { t } = useText();
  const contact = matched ?? candidate;
  const dialled = number ?? customer?.number;
  const name = contact?.name ?? customer?.name;
  if (contact)
    return (
      <>
        <strong>{name ?? `${contact.kind} ${contact.id}`}</strong>
        <small>{dialled}</small>
      </>
    );
  return (
    <>
      {name ?? dialled ?? t.calls.unknownCaller}
      <small>{name === undefined ? t.calls.unmatchedCaller : dialled}</small>
    </>
  );
}
