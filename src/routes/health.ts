import type { Parts } from "../parts.ts";
import { noQuery } from "./query.ts";
import { readinessOf } from "./readiness.ts";
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
