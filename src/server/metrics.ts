import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { CrmRequest } from "../core/crm-app.ts";
import type { Meter } from "../core/runtime.ts";
import type { Store } from "../store/contract.ts";

/** Wakes the process this often even at rest (ms); Node's figures of the delay include it. Usual is 10. */
const eventLoopMonitoringPrecision = 50;

/** Prometheus figures. Label values come from our own closed lists, never from a request. */
export function createMetrics(store: Store, known: { providers: readonly string[]; now: () => number }) {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision });
  const registers = [registry];
  const received = new Counter({
    name: "switchhook_deliveries_total",
    help: "Deliveries stored, by provider.",
    labelNames: ["provider"],
    registers,
  });
  const refused = new Counter({
    name: "switchhook_refused_total",
    help: "Webhooks refused, by provider and HTTP status.",
    labelNames: ["provider", "status"],
    registers,
  });
  const adminRefused = new Counter({
    name: "switchhook_admin_refused_total",
    help: "Requests with a wrong admin token.",
    registers,
  });
  const saved = new Counter({
    name: "switchhook_activities_total",
    help: "Results of saving calls in a CRM.",
    labelNames: ["crm", "result"],
    registers,
  });
  const answers = new Histogram({
    name: "switchhook_answer_seconds",
    help: "Time to answer an inbound call, by where the contact came from.",
    labelNames: ["provider", "source"],
    buckets: [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2.5],
    registers,
  });
  const looked = new Counter({
    name: "switchhook_lookups_total",
    help: "Numbers looked up, by where they were found.",
    labelNames: ["source"],
    registers,
  });
  const requests = new Histogram({
    name: "switchhook_crm_request_seconds",
    help: "Requests to a CRM, by the limit that they count against and by status.",
    labelNames: ["installation", "crm", "kind", "status"],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15],
    registers,
  });
  const reconciled = new Counter({
    name: "switchhook_reconciled_calls_total",
    help: "Calls found by polling (missed), completed by polling (mended), or closed without a reported end (closed).",
    labelNames: ["provider", "result"],
    registers,
  });
  const seen = new Histogram({
    name: "switchhook_recording_available_seconds",
    help: "Time from the end of a call until its recording could be played.",
    labelNames: ["provider"],
    buckets: [10, 30, 60, 120, 300, 600, 1_800, 3_600, 21_600, 86_400],
    registers,
  });
  const streamed = new Counter({
    name: "switchhook_recording_bytes_total",
    help: "Bytes of recordings sent to listeners, by source.",
    labelNames: ["provider", "source"],
    registers,
  });
  new Gauge({
    name: "switchhook_calls",
    help: "Calls by state.",
    labelNames: ["installation", "state"],
    registers,
    async collect() {
      this.reset();
      for (const { installation, state, calls } of await store.counts())
        this.set({ installation, state }, calls);
    },
  });
  new Gauge({
    name: "switchhook_lag_seconds",
    help: "How long the oldest due call has been waiting.",
    labelNames: ["installation"],
    registers,
    async collect() {
      this.reset();
      for (const { installation, due } of await store.oldestDue())
        this.set({ installation }, Math.max(0, (known.now() - due) / 1000));
    },
  });
  const label = (provider: string) => (known.providers.includes(provider) ? provider : "other");
  const meter: Meter = {
    received: (provider) => received.inc({ provider: label(provider) }),
    refused: (provider, status) => refused.inc({ provider: label(provider), status }),
    saved: (crm, result, calls) => saved.inc({ crm, result }, calls),
    answered: (provider, source, seconds) => answers.observe({ provider: label(provider), source }, seconds),
    looked: (source) => looked.inc({ source }),
    reconciled: (provider, result, calls) => reconciled.inc({ provider: label(provider), result }, calls),
    recordingSeen: (provider, seconds) => seen.observe({ provider: label(provider) }, seconds),
    streamed: (provider, source, bytes) => streamed.inc({ provider: label(provider), source }, bytes),
  };
  const crmRequest = (installation: string, crm: string, { kind, status, ms }: CrmRequest): void =>
    requests.observe({ installation, crm, kind, status }, ms / 1000);
  return {
    meter,
    crmRequest,
    adminRefused: () => adminRefused.inc(),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
