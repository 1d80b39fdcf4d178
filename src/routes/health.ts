import { messageOf, StoreError } from "../core/errors.ts";
import type { Parts } from "../parts.ts";
import { noQuery } from "./query.ts";
import { adminRoute, type Route } from "./route.ts";

/** `/healthz`: the process is up. `/readyz`: webhooks can be stored. `/metrics`: figures for Prometheus. */
export function healthRoutes({ flow, metrics }: Parts): Route[] {
  return [
    { method: "get", path: "/healthz", guard: "open", handle: (_, response) => response.json({ ok: true }) },
    {
      method: "get",
      path: "/readyz",
      guard: "open",
      handle: async (_, response) => {
        const error = await flow.store.ready().then(() => undefined, whyUnready);
        if (error === undefined) return response.json({ ok: true });
        return response.status(503).json({ ok: false, error });
      },
    },
    adminRoute("get", "/metrics", noQuery, async (_, response) =>
      response.type(metrics.contentType).send(await metrics.text()),
    ),
  ];
}

function whyUnready(error: unknown): string {
  const cure = error instanceof StoreError ? error.cure : "check the disk of the data folder";
  if (error instanceof StoreError && error.fault === "damaged")
    return `the store is damaged, and calls wait (${error.message}): ${cure}`;
  return `webhooks cannot be stored just now (${messageOf(error)}): ${cure}`;
}
