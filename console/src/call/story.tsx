import { useState } from "react";
import type { CallDetail } from "../api.ts";
import { useFormat } from "../format.ts";
import { Card } from "../parts.tsx";
import { useText } from "../text/index.ts";
import { WebhookDialog } from "./webhook.tsx";

type Delivery = CallDetail["deliveries"][number];
type Event = CallDetail["events"][number];
type Step = CallDetail["history"][number];

/** A thing that happened to a call, in the order of the times here: when a webhook arrived, when the CRM answered. */
type Item =
  | { at: string; type: "webhook"; delivery: Delivery; events: Event[] }
  | { at: string; type: "event"; event: Event }
  | { at: string; type: "step"; step: Step };

/** What happened to a call, from the first webhook to the last answer of the CRM. */
export function Story({ detail, zone }: { detail: CallDetail; zone: string | undefined }) {
  const { t } = useText();
  const [open, setOpen] = useState<number>();
  const items = itemsOf(detail);
  return (
    <Card title={t.call.story}>
      {items.length === 0 && <p className="soft">{t.call.storyEmpty}</p>}
      <ol className="story">
        {items.map((item) => (
          <li key={keyOf(item)} className={item.type}>
            {item.type === "webhook" ? (
              <Webhook {...item} zone={zone} open={() => setOpen(item.delivery.id)} />
            ) : item.type === "event" ? (
              <EventLine event={item.event} zone={zone} />
            ) : (
              <StepLine step={item.step} zone={zone} />
            )}
          </li>
        ))}
      </ol>
      {open !== undefined && <WebhookDialog id={open} zone={zone} close={() => setOpen(undefined)} />}
    </Card>
  );
}

function itemsOf({ deliveries, events, history }: CallDetail): Item[] {
  const told = new Set(deliveries.map(({ id }) => id));
  const items: Item[] = [
    ...deliveries.map(
      (delivery): Item => ({
        at: delivery.receivedAt,
        type: "webhook",
        delivery,
        events: events.filter(({ deliveries: from }) => from.includes(delivery.id)),
      }),
    ),
    ...events
      .filter(({ deliveries: from }) => !from.some((id) => told.has(id)))
      .map((event): Item => ({ at: event.at, type: "event", event })),
    ...history.map((step): Item => ({ at: step.at, type: "step", step })),
  ];
  return items.sort((a, b) => (a.at < b.at ? -1 : Number(a.at > b.at)));
}

function keyOf(item: Item): string {
  if (item.type === "webhook") return `webhook ${item.delivery.id}`;
  if (item.type === "event") return `event ${item.at} ${item.event.kind} ${item.event.callId}`;
  return `step ${item.at} ${item.step.step}`;
}

type WebhookProps = { delivery: Delivery; events: Event[]; zone: string | undefined; open: () => void };

function Webhook({ delivery, events, zone, open }: WebhookProps) {
  const { t } = useText();
  const { receivedAt, kind, repeats, fault, method } = delivery;
  const isPolled = method === "ASK";
  return (
    <>
      <When at={receivedAt} zone={zone} />
      <p>
        <strong>{isPolled ? t.call.polled : t.call.webhook}</strong> <code>{kind ?? method}</code>{" "}
        {repeats > 0 && <span className="soft">{t.call.repeats(repeats)}</span>}{" "}
        <button type="button" className="quiet" onClick={open}>
          {t.call.showRaw}
        </button>
      </p>
      {fault !== undefined && (
        <p className="warning">
          {t.call.unreadable}: {fault}
        </p>
      )}
      <ul>
        {events.map((event) => (
          <li key={`${event.at} ${event.kind} ${event.callId}`}>
            <EventLine event={event} zone={zone} />
          </li>
        ))}
      </ul>
    </>
  );
}

function EventLine({ event, zone }: { event: Event; zone: string | undefined }) {
  const { t } = useText();
  const format = useFormat();
  const { at, kind, phase, sameCallAs } = event;
  return (
    <span>
      <time dateTime={at}>{format.exactTime(at, zone)}</time>{" "}
      {phase === undefined ? kind : (t.phases[phase] ?? phase)}
      {sameCallAs !== undefined && <code> = {sameCallAs}</code>}
    </span>
  );
}

function StepLine({ step: { at, step, detail }, zone }: { step: Step; zone: string | undefined }) {
  const { t } = useText();
  const { wrote, kept, without, reason } = detail;
  const isRefusal = step === "dead" || step === "later";
  return (
    <>
      <When at={at} zone={zone} />
      <p>
        <strong>{t.call.crm}</strong> {t.call.steps[step] ?? step}
      </p>
      {typeof detail["contact"] === "string" && (
        <p>
          {detail["contact"]} <span className="soft">{String(detail["by"] ?? "")}</span>
        </p>
      )}
      {typeof reason === "string" && <p className={isRefusal ? "warning" : "soft"}>{reason}</p>}
      {isRecord(wrote) && Object.keys(wrote).length > 0 && (
        <p className="soft">{t.call.wrote(Object.keys(wrote).join(", "))}</p>
      )}
      {Array.isArray(kept) && <p className="soft">{t.call.kept(kept.join(", "))}</p>}
      {Array.isArray(without) && <p className="warning">{t.call.withoutFields(without.join("; "))}</p>}
    </>
  );
}

function When({ at, zone }: { at: string; zone: string | undefined }) {
  const format = useFormat();
  return (
    <time dateTime={at} title={at}>
      {format.exactTime(at, zone)}
    </time>
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
