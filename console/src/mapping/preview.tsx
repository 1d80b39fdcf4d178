import { useQuery } from "@tanstack/react-query";
import { type SubmitEvent, useState } from "react";
import { Link } from "wouter";
import { type CallSummary, calls, type InstallationSummary } from "../api.ts";
import { useFormat } from "../format.ts";
import { Card, Empty, Value } from "../parts.tsx";
import { useText } from "../text/index.ts";
import type { MappingChange, PreviewedCall } from "./api.ts";
import { useMappingText } from "./text.ts";

type PreviewCardProps = {
  installation: InstallationSummary;
  shown: MappingChange | undefined;
  error: Error | null | undefined;
  /** The last preview without faults is shown. */
  hasFaults: boolean;
  call: string | undefined;
  choose: (call: string | undefined) => void;
};

/** What the calls become with the text in the editor, beside what they are now. */
export function PreviewCard({ installation, shown, error, hasFaults, call, choose }: PreviewCardProps) {
  const m = useMappingText();
  const { name, timeZone } = installation;
  const latest = useQuery({
    queryKey: ["calls", `mapping ${name}`],
    queryFn: () => calls(new URLSearchParams({ installation: name, limit: "20" })),
  });
  const known = new Map(latest.data?.items.map((one) => [one.key, one]));
  const changed = shown?.calls.filter(({ changes }) => changes.length > 0) ?? [];
  const listed = call === undefined ? changed : (shown?.calls ?? []);
  return (
    <Card title={m.preview} about={m.previewAbout}>
      <CallChoice name={name} call={call} choose={choose} />
      <div role="status">
        {error && <p className="warning">{error.message}</p>}
        {hasFaults && <p className="soft">{m.waitsForFix}</p>}
        {shown?.stopped !== undefined && <p className="soft">{shown.stopped}</p>}
        {shown && shown.calls.length > 0 && !hasFaults && (
          <p>{m.changes(changed.length, shown.calls.length)}</p>
        )}
      </div>
      {shown?.calls.length === 0 && <Empty title={m.noCalls}>{m.noCallsNext}</Empty>}
      <div className={hasFaults ? "previews stale" : "previews"}>
        {listed.map((one) => (
          <OneCall
            key={one.key}
            shown={one}
            call={known.get(one.key)}
            zone={timeZone}
            isOpen={call !== undefined}
          />
        ))}
      </div>
    </Card>
  );
}

type CallChoiceProps = {
  name: string;
  call: string | undefined;
  choose: (call: string | undefined) => void;
};

function CallChoice({ name, call, choose }: CallChoiceProps) {
  const m = useMappingText();
  const { t } = useText();
  const [wanted, setWanted] = useState("");
  const found = useQuery({
    queryKey: ["calls", `mapping ${name}`, wanted],
    queryFn: () => calls(new URLSearchParams({ installation: name, limit: "5", q: wanted })),
    enabled: wanted !== "",
  });
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    setWanted(String(new FormData(event.currentTarget).get("q") ?? "").trim());
  };
  return (
    <>
      <form className="call-choice" onSubmit={submit}>
        <button type="button" aria-pressed={call === undefined} onClick={() => choose(undefined)}>
          {m.latest}
        </button>
        <input type="search" name="q" aria-label={m.searchCall} placeholder={m.searchCall} />
        <button type="submit">{m.search}</button>
      </form>
      {call !== undefined && (
        <p>
          <Link href={`/calls/${encodeURIComponent(call)}`}>{call}</Link>
        </p>
      )}
      <div role="status">
        {found.error && <p className="warning">{found.error.message}</p>}
        {found.data?.items.length === 0 && <p className="soft">{m.noCall}</p>}
      </div>
      {found.data?.items.map((one) => (
        <button
          key={one.key}
          type="button"
          className="quiet"
          onClick={() => {
            choose(one.key);
            setWanted("");
          }}
        >
          {whoIn(one) ?? t.calls.unknownCaller} <small>{one.key}</small>
        </button>
      ))}
    </>
  );
}

type OneCallProps = {
  shown: PreviewedCall;
  call: CallSummary | undefined;
  zone: string;
  isOpen: boolean;
};

function OneCall({ shown, call, zone, isOpen }: OneCallProps) {
  const m = useMappingText();
  const { t } = useText();
  const format = useFormat();
  const { key, changes, unchanged = [], limited = [] } = shown;
  return (
    <article>
      <h3>
        <Link href={`/calls/${encodeURIComponent(key)}`}>
          {call ? (whoIn(call) ?? t.calls.unknownCaller) : key}
        </Link>{" "}
        {call && <span className="soft">{format.time(call.createdAt, zone)}</span>}
      </h3>
      {changes.length > 0 && (
        <div className="wide">
          <table>
            <thead>
              <tr>
                <th scope="col">{m.field}</th>
                <th scope="col">{m.now}</th>
                <th scope="col">{m.changed}</th>
              </tr>
            </thead>
            <tbody>
              {changes.map(({ field, before, after }) => (
                <tr key={field}>
                  <th scope="row">
                    <code>{field}</code>
                  </th>
                  <td>
                    <Sent value={before} />
                  </td>
                  <td>
                    <Sent value={after} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {limited.map(({ field, why }) => (
        <p key={field} className="warning">
          {m.limited} <code>{field}</code> {why}
        </p>
      ))}
      {unchanged.length > 0 && (
        <details open={isOpen}>
          <summary>{m.unchanged(unchanged.length)}</summary>
          <dl>
            {unchanged.map(({ field, value }) => (
              <div key={field}>
                <dt>
                  <code>{field}</code>
                </dt>
                <dd>
                  <Value value={value} />
                </dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </article>
  );
}

function Sent({ value }: { value: unknown }) {
  const m = useMappingText();
  return value === undefined ? <span className="soft">{m.noField}</span> : <Value value={value} />;
}

function whoIn({ contact, customer, number }: CallSummary): string | undefined {
  return contact?.name ?? customer?.name ?? number ?? customer?.number;
}
