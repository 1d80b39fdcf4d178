import { z } from "zod";
import { messageOf, StoreError } from "../core/errors.ts";
import type { Flow } from "../flow/installation.ts";
import type { Parts } from "../server/assemble.ts";
import { adminRoute, content, json, type Route } from "./route.ts";

const health = z.object({ ok: z.boolean(), error: z.string().optional() }).meta({ id: "Health" });

/** `/healthz`: the process is up. `/readyz`: webhooks can be stored. `/metrics`: figures for Prometheus. */
export function healthRoutes({ flow, metrics, isStopping }: Parts): Route[] {
  const whyUnready = readinessOf(flow);
  return [
    {
      method: "get",
      path: "/healthz",
      guard: "open",
      summary: "The process is up.",
      replies: { 200: json("It is.", health) },
      handle: (_, response) => response.json({ ok: true }),
    },
    {
      method: "get",
      path: "/readyz",
      guard: "open",
      summary: "Webhooks can be stored.",
      replies: {
        200: json("They can.", health),
        503: json("They cannot: why.", health),
      },
      handle: async (_, response) => {
        const why = isStopping() ? undefined : await whyUnready();
        const error = isStopping() ? "the server is stopping" : why;
        if (error === undefined) return response.json({ ok: true });
        return response.status(503).json({ ok: false, error });
      },
    },
    adminRoute({
      method: "get",
      path: "/metrics",
      needs: "operator",
      summary: "Figures for Prometheus.",
      replies: { 200: content("Figures.", "text/plain") },
      handle: async (_, response) => response.type(metrics.contentType).send(await metrics.text()),
    }),
  ];
}

const freshMs = 1_000;

/**
 * Why webhooks cannot be stored; undefined when they can. The check costs a commit, so its result, including a fault,
 * is valid for a second, and concurrent requests share one check.
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
