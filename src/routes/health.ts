import { messageOf, StoreError } from "../core/errors.ts";
import type { Flow } from "../flow/installation.ts";
import type { Parts } from "../server/assemble.ts";
import { noQuery } from "./query.ts";
import { adminRoute, type Route } from "./route.ts";

/** `/healthz`: the process is up. `/readyz`: webhooks can be stored. `/metrics`: figures for Prometheus. */
export function healthRoutes({ flow, metrics, isStopping }: Parts): Route[] {
  const whyUnready = readinessOf(flow);
  return [
    { method: "get", path: "/healthz", guard: "open", handle: (_, response) => response.json({ ok: true }) },
    {
      method: "get",
      path: "/readyz",
      guard: "open",
      handle: async (_, response) => {
        const why = isStopping() ? undefined : await whyUnready();
        const error = isStopping() ? "the server is stopping" : why;
        if (error === undefined) return response.json({ ok: true });
        return response.status(503).json({ ok: false, error });
      },
    },
    adminRoute("get", "/metrics", noQuery, async (_, response) =>
      response.type(metrics.contentType).send(await metrics.text()),
    ),
  ];
}

const freshMs = 1_000;

/**
 * Why webhooks cannot be stored; undefined when they can. Finding out costs a commit, so what was found is good for a
 * second, a fault included, and all who ask meanwhile share one attempt.
 */
export function readinessOf({ store, now }: Pick<Flow, "store" | "now">) {
  let found: { at: number; why: string | undefined } | undefined;
  let underWay: Promise<string | undefined> | undefined;

  const look = async (): Promise<string | undefined> => {
    try {
      const why = await store.ready().then(() => undefined, whyUnready);
      found = { at: now(), why };
      return why;
    } finally {
      underWay = undefined;
    }
  };

  return async (): Promise<string | undefined> => {
    if (found && Math.abs(now() - found.at) < freshMs) return found.why;
    underWay ??= look();
    return underWay;
  };
}

function whyUnready(error: unknown): string {
  const cure = error instanceof StoreError ? error.cure : "check the disk of the data folder";
  if (error instanceof StoreError && error.fault === "damaged")
    return `the store is damaged, and calls wait (${error.message}): ${cure}`;
  return `webhooks cannot be stored just now (${messageOf(error)}): ${cure}`;
}
