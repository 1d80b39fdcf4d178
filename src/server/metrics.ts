import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { CrmRequest } from "../core/crm-app.ts";
import type { Meter } from "../core/runtime.ts";
import type { Tenancies } from "../instances/tenancies.ts";
import type { Store } from "../store/contract.ts";

type KnownToMetrics = {
  providers: readonly string[];
  now: () => number;
  /** The instances on the store; undefined when this process is the only one. */
  instances: () => ReturnType<Tenancies["counts"]> | undefined;
};

/** Wakes the process this often even at rest (ms); Node's figures of the delay include it. Usual is 10. */
const eventLoopMonitoringPrecision = 50;

/** Prometheus figures. Label values come from our own closed lists, never from a request. */
export function createMetrics(store: Store, known: KnownToMetrics) {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision });
  const registers = [registry];
  const counter = (name: string, help: string, ...labelNames: string[]) =>
    new Counter({ name: `switchhook_${name}_total`, help, labelNames, registers });
  const histogram = (name: string, help: string, labelNames: string[], buckets: number[]) =>
    new Histogram({ name: `switchhook_${name}_seconds`, help, labelNames, buckets, registers });
  const received = counter("deliveries", "Deliveries stored, by provider.", "provider");
  const refused = counter("refused", "Webhooks refused, by provider and HTTP status.", "provider", "status");
  const adminRefused = counter("admin_refused", "Requests with a wrong admin token.");
  const saved = counter("activities", "Results of saving calls in a CRM.", "crm", "result");
  const answers = histogram(
    "answer",
    "Time to answer an inbound call, by where the contact came from.",
    ["provider", "source"],
    [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2.5],
  );
  const looked = counter("lookups", "Numbers looked up, by where they were found.", "source");
  const requests = histogram(
    "crm_request",
    "Requests to a CRM, by the limit that they count against and by status.",
    ["installation", "crm", "kind", "status"],
    [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15],
  );
  const reconciled = counter(
    "reconciled_calls",
    "Calls found by polling (missed), completed by polling (mended), or closed without a reported end (closed).",
    "provider",
    "result",
  );
  const seen = histogram(
    "recording_available",
    "Time from the end of a call until its recording could be played.",
    ["provider"],
    [10, 30, 60, 120, 300, 600, 1_800, 3_600, 21_600, 86_400],
  );
  const streamed = counter(
    "recording_bytes",
    "Bytes of recordings sent to listeners, by source.",
    "provider",
    "source",
  );
  /** Of several instances one reports what is in the store, so that a sum over all of them is right. */
  const isReporting = (): boolean => known.instances()?.isLeading ?? true;
  new Gauge({
    name: "switchhook_instances",
    help: "Instances on the same store that run, this one included.",
    registers,
    collect() {
      this.set(known.instances()?.instances ?? 1);
    },
  });
  new Gauge({
    name: "switchhook_tenancies",
    help: "Installations that this instance works for now, where several instances share a store.",
    registers,
    collect() {
      this.set(known.instances()?.held ?? 0);
    },
  });
  new Gauge({
    name: "switchhook_calls",
    help: "Calls by state.",
    labelNames: ["installation", "state"],
    registers,
    async collect() {
      this.reset();
      if (!isReporting()) return;
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
      if (!isReporting()) return;
      for (const { installation, due } of await store.oldestDue())
        this.set({ installation }, Math.max(0, (known.now() - due) / 1000));
    },
  });
  const label = (provider: string) => (known.providers.includes(provider) ? provider : "other");
  const meter: Meter = {
    received: (provider) => received.inc({ provider: label(provider) }),
    refused: (provider, status) => refused.inc({ provider: label(provider), status }),
    saved: (crm, result) => saved.inc({ crm, result }),
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
