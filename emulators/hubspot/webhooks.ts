import { setTimeout as delay } from "node:timers/promises";
import type { Emulator, EmulatorRequest, Fault, Route } from "../contract.ts";
import { createFaults } from "../faults.ts";
import { signV3 } from "./signature.ts";
import type { ContactChange, HubspotApp } from "./types.ts";
import { eventsOf, type WebhookEvent } from "./webhook-events.ts";

/** One attempt. `status` is 0 when there was no answer. */
export type Delivery = { at: number; status: number; events: WebhookEvent[] };

export type WebhookOptions = {
  /** Where the app wants to hear of contacts; signed with its secret, while it is installed or `token` is given. */
  webhookUrl?: string;
  /** The properties whose changes it wants to hear of. */
  webhookProperties?: string[];
  /** How long after a failed delivery the next one comes; 20 when absent. */
  retryMs?: number;
};

export type WebhookSettings = {
  webhookUrl: string | undefined;
  properties: readonly string[];
  retryMs: number;
};

const watchedProperties = [
  "phone",
  "mobilephone",
  "firstname",
  "lastname",
  "email",
  "company",
  "hubspot_owner_id",
];
const mostEvents = 100;
const mostRetries = 10;
const answerMs = 5000;

export function webhookSettingsOf(options: WebhookOptions, app: HubspotApp | undefined): WebhookSettings {
  const { webhookUrl, webhookProperties, retryMs } = options;
  if (webhookUrl && !app) throw new Error("webhooks are an app's: give one");
  return { webhookUrl, properties: webhookProperties ?? watchedProperties, retryMs: retryMs ?? 20 };
}

/** Tells the app what happens to contacts: in no order, at least once, again until it answers with 2xx. */
export function createWebhooks(parts: {
  app: HubspotApp | undefined;
  portalId: number;
  settings: WebhookSettings;
  now: () => number;
  shuffle(events: WebhookEvent[]): WebhookEvent[];
  isConnected(): boolean;
}) {
  const { app, portalId, settings, now } = parts;
  const faults = createFaults();
  const deliveries: Delivery[] = [];
  const stopping = new AbortController();
  const busy = new Set<Promise<void>>();
  const subscriptionIds = new Map<string, number>();
  let waiting: WebhookEvent[] = [];
  let lastEvent = 0;
  return { hear, watch, settled, deliveries, stop: () => stopping.abort() };

  function hear(change: ContactChange): void {
    if (!app || !settings.webhookUrl || !parts.isConnected()) return;
    for (const told of eventsOf(change, settings.properties)) {
      lastEvent += 1;
      const event: WebhookEvent = {
        eventId: lastEvent,
        subscriptionId: subscriptionId(`${told.subscriptionType} ${told.propertyName}`),
        portalId,
        appId: app.appId,
        occurredAt: now(),
        attemptNumber: 0,
        changeSource: "CRM_UI",
        ...told,
      };
      if (waiting.length === 0) setImmediate(flush);
      waiting.push(event, ...(isTwice(event) ? [event] : []));
    }
  }

  function flush(): void {
    const events = parts.shuffle(waiting);
    waiting = [];
    for (let from = 0; from < events.length; from += mostEvents) {
      const sending = send(events.slice(from, from + mostEvents)).finally(() => busy.delete(sending));
      busy.add(sending);
    }
  }

  async function send(events: WebhookEvent[]): Promise<void> {
    for (let attemptNumber = 0; attemptNumber <= mostRetries; attemptNumber += 1) {
      if (stopping.signal.aborted || !settings.webhookUrl) return;
      const attempt = events.map((event) => ({ ...event, attemptNumber }));
      const delivery: Delivery = { at: now(), status: 0, events: attempt };
      deliveries.push(delivery);
      delivery.status = await post(settings.webhookUrl, JSON.stringify(attempt), app?.clientSecret ?? "");
      if (delivery.status >= 200 && delivery.status < 300) return;
      await delay(settings.retryMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  async function post(url: string, body: string, secret: string): Promise<number> {
    const timestamp = now();
    const signature = signV3({ method: "POST", url, body, secret, timestamp });
    const headers = {
      "content-type": "application/json",
      "x-hubspot-signature-v3": signature,
      "x-hubspot-request-timestamp": String(timestamp),
    };
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(answerMs)]);
    const request: RequestInit = { method: "POST", headers, body, signal, redirect: "manual" };
    return fetch(url, request).then(
      async (response) => {
        await response.body?.cancel();
        return response.status;
      },
      () => 0,
    );
  }

  function subscriptionId(name: string): number {
    const id = subscriptionIds.get(name) ?? subscriptionIds.size + 1;
    subscriptionIds.set(name, id);
    return id;
  }

  /** Takes the faults `{ type: "duplicate" }`, which send an event twice; their `match` is a subscription type. */
  function watch(own: Emulator["faults"]): Emulator["faults"] {
    return {
      add: (fault: Fault) => (fault.type === "duplicate" ? faults.add(fault) : own.add(fault)),
      clear() {
        own.clear();
        faults.clear();
      },
    };
  }

  function isTwice({ subscriptionType: kind }: WebhookEvent): boolean {
    const request = { method: "POST", path: "", query: new URLSearchParams(), headers: {}, params: [] };
    const asRequest: EmulatorRequest = { ...request, body: undefined, raw: Buffer.alloc(0) };
    const asRoute: Route = { method: "POST", path: /^/, kind, handle: () => ({ status: 204 }) };
    return faults.strike(asRequest, asRoute).length > 0;
  }

  /** Resolves when all that happened was sent or given up. */
  async function settled(): Promise<void> {
    while (waiting.length > 0 || busy.size > 0) {
      if (waiting.length > 0) await new Promise((resolve) => setImmediate(resolve));
      await Promise.all(busy);
    }
  }
}
