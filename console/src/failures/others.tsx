import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { calls, installations } from "../api.ts";
import { WebhookDialog } from "../call/webhook.tsx";
import { CallTable } from "../calls/table.tsx";
import { useFormat } from "../format.ts";
import { Empty, Failed, Loading } from "../parts.tsx";
import { useRight } from "../session.ts";
import { useText } from "../text/index.ts";
import { type UnusedDelivery, unused } from "./api.ts";

/** Calls that are over and not logged yet. */
export function WaitingCalls() {
  const { t } = useText();
  const all = useQuery({ queryKey: ["installations"], queryFn: installations });
  const { data, error, refetch } = useQuery({
    queryKey: ["calls", "waiting"],
    queryFn: () => calls(new URLSearchParams({ state: "waiting", limit: "200" })),
  });
  if (error) return <Failed error={error} again={() => void refetch()} />;
  if (!data) return <Loading />;
  if (data.items.length === 0)
    return <Empty title={t.failures.noneWaiting}>{t.failures.noneWaitingNext}</Empty>;
  return (
    <>
      <p className="about">{t.failures.waitingAbout}</p>
      <CallTable calls={data.items} installations={all.data?.items ?? []} />
    </>
  );
}

/** Webhooks that gave no event. */
export function UnusedWebhooks() {
  const { t } = useText();
  const [shown, setShown] = useState<number>();
  const all = useQuery({ queryKey: ["installations"], queryFn: installations });
  const { data, error, refetch } = useQuery({ queryKey: ["calls", "unused"], queryFn: unused });
  if (error) return <Failed error={error} again={() => void refetch()} />;
  if (!data) return <Loading />;
  if (data.items.length === 0)
    return <Empty title={t.failures.noneUnused}>{t.failures.noneUnusedNext}</Empty>;
  const zones = new Map(all.data?.items.map(({ name, timeZone }) => [name, timeZone]));
  const zoneOf = ({ installation }: UnusedDelivery) => zones.get(installation);
  const open = data.items.find(({ id }) => id === shown);
  return (
    <>
      <p className="about">{t.failures.unusedAbout}</p>
      <div className="wide">
        <table>
          <thead>
            <tr>
              <th scope="col">{t.calls.when}</th>
              <th scope="col">{t.calls.provider}</th>
              <th scope="col">{t.failures.why}</th>
              <th scope="col">
                <span className="hidden">{t.failures.webhook}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {data.items.map((one) => (
              <UnusedRow key={one.id} delivery={one} zone={zoneOf(one)} show={setShown} />
            ))}
          </tbody>
        </table>
      </div>
      {open && <WebhookDialog id={open.id} zone={zoneOf(open)} close={() => setShown(undefined)} />}
    </>
  );
}

type UnusedRowProps = { delivery: UnusedDelivery; zone: string | undefined; show: (id: number) => void };

function UnusedRow({ delivery, zone, show }: UnusedRowProps) {
  const { t } = useText();
  const format = useFormat();
  const mayRead = useRight("raw");
  const { id, receivedAt, provider, installation, kind, fault } = delivery;
  return (
    <tr>
      <td>
        <time dateTime={receivedAt} title={format.ago(receivedAt)}>
          {format.time(receivedAt, zone)}
        </time>
      </td>
      <td>
        {provider}
        <small>{installation}</small>
      </td>
      <td>
        {kind ?? ""}
        <small>{fault ?? t.failures.unknownKind}</small>
      </td>
      <td>
        {mayRead && (
          <button type="button" className="quiet" onClick={() => show(id)}>
            {t.call.showRaw}
          </button>
        )}
      </td>
    </tr>
  );
}
