import { randomUUID } from "node:crypto";
import type { EmulatorReply, EmulatorRequest, Route } from "../contract.ts";
import { bodyOf, type CrmRequest, type CrmRoute } from "./crm-route.ts";
import { invalid, notFound, problemReply, refuse } from "./refusals.ts";
import type { HubspotApp, LifecycleAction } from "./types.ts";

type Entry = { offset: string; at: number; event: object };

const eventTypes: Record<LifecycleAction, string> = { APP_INSTALL: "4-1909196", APP_UNINSTALL: "4-1916193" };
/** unverified: how long entries are kept, and how long the link to one is good. */
const keptMs = 3 * 24 * 3_600_000;
const linkMs = 3_600_000;

export type Journal = ReturnType<typeof createJournal>;

/** What an app that subscribed can read about its own installs: one file for each event, oldest first. */
export function createJournal(portalId: number, now: () => number) {
  const subscriptions = new Map<string, object>();
  const entries: Entry[] = [];
  return { record, routes, fileRoute };

  function record(action: LifecycleAction): void {
    if (!subscriptions.has(eventTypes[action])) return;
    const at = now();
    const occurredAt = new Date(at).toISOString();
    const event = {
      type: "APP_LIFECYCLE_EVENT",
      action,
      eventTypeId: eventTypes[action],
      portalId,
      occurredAt,
    };
    entries.push({ offset: randomUUID(), at, event });
  }

  /** `url`: where the emulator is. */
  function routes(app: HubspotApp, url: () => string): CrmRoute[] {
    const read = (
      rest: string,
      pick: (kept: Entry[], request: CrmRequest) => Entry | undefined,
    ): CrmRoute => ({
      method: "GET",
      area: "webhooks-journal/journal",
      rest,
      kind: "journal",
      scopes: () => [["developer.webhooks_journal.read"]],
      handle: (request) => tell(pick(keptEntries(), request), url()),
    });
    return [
      {
        method: "POST",
        area: "webhooks-journal/subscriptions",
        rest: "/?",
        kind: "journal subscription",
        scopes: () => [["developer.webhooks_journal.subscriptions.write"]],
        handle: (request) => subscribe(app, request),
      },
      read("/earliest", (kept) => kept[0]),
      read("/latest", (kept) => kept.at(-1)),
      read("/offset/([^/]+)/next", (kept, { params: [offset] }) => {
        const place = entries.findIndex((entry) => entry.offset === offset);
        // unverified: how an unknown offset is refused.
        if (place === -1) throw refuse(invalid(`There is no offset ${offset}.`));
        return kept.find((entry) => entries.indexOf(entry) > place);
      }),
    ];
  }

  /** The link needs no token: whoever has it may read. */
  function fileRoute(): Route {
    return {
      method: "GET",
      path: /\/webhooks-journal-files\/([^/]+)/,
      kind: "journal file",
      handle: ({ params: [offset], query }: EmulatorRequest) => {
        const entry = keptEntries().find((kept) => kept.offset === offset);
        if (!entry || Number(query.get("expires")) <= now())
          return problemReply({ ...notFound, status: 403 });
        const publishedAt = new Date(entry.at).toISOString();
        return { status: 200, body: { offset, journalEvents: [entry.event], publishedAt } };
      },
    };
  }

  function keptEntries(): Entry[] {
    return entries.filter((entry) => entry.at > now() - keptMs);
  }

  /** unverified: the status, and that an event can be subscribed to twice. */
  function subscribe(app: HubspotApp, request: CrmRequest): EmulatorReply {
    const { subscriptionType, eventTypeId } = bodyOf(request);
    const known = Object.values(eventTypes).includes(String(eventTypeId));
    if (subscriptionType !== "APP_LIFECYCLE_EVENT" || !known) {
      throw refuse(invalid("Only APP_LIFECYCLE_EVENT with a known eventTypeId can be subscribed to."));
    }
    const at = new Date(now()).toISOString();
    const made = { id: subscriptions.size + 1, appId: app.appId, createdAt: at, updatedAt: at };
    const subscription = subscriptions.get(String(eventTypeId)) ?? { ...made, subscriptionType, eventTypeId };
    subscriptions.set(String(eventTypeId), subscription);
    return { status: 200, body: subscription };
  }

  function tell(entry: Entry | undefined, url: string): EmulatorReply {
    if (!entry) return { status: 204 };
    const expires = now() + linkMs;
    const body = {
      currentOffset: entry.offset,
      expiresAt: new Date(expires).toISOString(),
      url: `${url}/webhooks-journal-files/${entry.offset}?expires=${expires}`,
    };
    return { status: 200, body };
  }
}
