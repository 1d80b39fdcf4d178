import { randomBytes } from "node:crypto";
import type { Request } from "express";
import { z } from "zod";
import { Rejected } from "../core/errors.ts";
import type { Principal } from "../core/principal.ts";
import { countDead } from "../flow/failures/groups.ts";
import type { Parts } from "../server/assemble.ts";
import type { StoredRetry } from "../store/contract.ts";
import { readJsonAs } from "./body.ts";
import {
  adminRoute,
  badQuery,
  failureGroup,
  json,
  pageQuery,
  pathParameter,
  type Route,
  text,
  time,
} from "./route.ts";
import { noSuchInstallation, noteChange } from "./rules.ts";

const wanted = z
  .strictObject({
    installation: z.string().max(40).optional(),
    group: failureGroup
      .optional()
      .meta({ description: "A group of `GET /api/dead/groups`; all without it." }),
    state: z.literal("dead").default("dead"),
  })
  .meta({ id: "RetryRequest" });

const retryShape = { schema: wanted, what: "retry", example: '{"installation": "acme", "group": "…"}' };

const plan = z
  .object({
    matches: z.int().meta({ description: "Dead calls that match now." }),
    isPartial: z.boolean().meta({ description: "There are more than were counted." }),
  })
  .meta({ id: "RetryPlan" });

const retry = z
  .object({
    id: text,
    installation: text.optional(),
    group: text.optional(),
    state: z.enum(["running", "cancelled", "done"]),
    startedBy: text,
    startedAt: time,
    endedAt: time.optional(),
    total: z.int().meta({ description: "With calls that died since it began." }),
    left: z.int().meta({ description: "Not retried yet." }),
    waiting: z.int().meta({ description: "Retried, and not answered by the CRM yet." }),
    logged: z.int(),
    dead: z.int().meta({ description: "Refused again." }),
    other: z.int().meta({ description: "Not to be logged any more, for example a part of another call." }),
    cancelled: z.int().meta({ description: "Not retried, because the retry was cancelled." }),
  })
  .meta({ id: "BulkRetry" });

/** A retry of many calls, and how far it is. */
export type BulkRetry = z.infer<typeof retry>;
export type RetryPlan = z.infer<typeof plan>;

const planQuery = z.strictObject({
  plan: z
    .literal("1", { error: "give 1 to see how many calls match, or leave it out to begin" })
    .optional()
    .meta({ description: "1: retry nothing, only count." }),
});

const noRetry = { 404: "There is no such retry." };

/** Retries of all dead calls that match a filter. */
export function retryRoutes(parts: Parts): Route[] {
  const { flow, bulkRetries, installations } = parts;
  const { store } = flow;

  const find = async (request: Request, principal: Principal): Promise<StoredRetry> => {
    const id = pathParameter(request, "id");
    const found = await store.retryById(id);
    const { installation } = principal;
    if (found && (installation === undefined || found.installation === installation)) return found;
    throw new Rejected(
      404,
      `there is no retry ${JSON.stringify(id.slice(0, 50))}: GET /api/retries lists them`,
    );
  };

  return [
    adminRoute({
      method: "post",
      path: "/api/retries",
      needs: "admin",
      isReading: (request) => request.query["plan"] !== undefined,
      summary:
        "Retries all dead calls that match, also those that die meanwhile, each once; `plan=1` only counts them.",
      query: planQuery,
      body: wanted,
      replies: {
        200: json("How many match.", plan),
        201: json("It has begun; the same filter while it is under way gives the same retry.", retry),
        400: "The body is wrong: how.",
        404: "There is no such installation.",
        413: "Larger than 1 MB.",
        415: "Not JSON, or compressed.",
      },
      handle: async (request, response, query, principal) => {
        const { group: failure, ...given } = await readJsonAs(request, parts.room, retryShape);
        const { installation = principal.installation } = given;
        if (installation !== undefined) {
          const isOthers = principal.installation !== undefined && principal.installation !== installation;
          if (isOthers || !installations.has(installation)) throw noSuchInstallation(installation);
        }
        const filter = {
          ...(installation !== undefined && { installation }),
          ...(failure !== undefined && { failure }),
        };
        const planned = await countDead(store, filter);
        if (query.plan !== undefined) {
          response.json(planned);
          return;
        }
        const made = { ...filter, id: randomBytes(32).toString("base64url"), startedBy: principal.name };
        const id = await bulkRetries.begin(made);
        noteChange(response, { ...filter, object: id, after: { ...filter, calls: planned.matches } });
        const begun = await store.retryById(id);
        if (!begun) throw new Error("a retry has begun, and is not there");
        response.status(201).json(await progressOf(parts, begun));
      },
    }),

    adminRoute({
      method: "get",
      path: "/api/retries",
      needs: "view",
      summary: "Retries of many calls of the last 30 days, the latest 20.",
      query: pageQuery.pick({ installation: true }),
      replies: { 200: json("The latest first.", z.object({ items: z.array(retry) })), ...badQuery },
      handle: async (_, response, { installation }) => {
        const found = await store.retries(installation);
        response.json({ items: await Promise.all(found.map((one) => progressOf(parts, one))) });
      },
    }),

    adminRoute({
      method: "get",
      path: "/api/retries/:id",
      needs: "view",
      summary: "How far a retry of many calls is.",
      replies: { 200: json("Its calls, counted.", retry), ...noRetry },
      handle: async (request, response, _, principal) => {
        response.json(await progressOf(parts, await find(request, principal)));
      },
    }),

    adminRoute({
      method: "delete",
      path: "/api/retries/:id",
      needs: "admin",
      summary: "Cancels what is not retried yet; calls that wait for the CRM are still logged.",
      replies: { 200: json("What it did, and what it leaves.", retry), ...noRetry, 409: "It has ended." },
      handle: async (request, response, _, principal) => {
        const found = await find(request, principal);
        if (!(await bulkRetries.cancel(found)))
          throw new Rejected(409, "this retry has ended, so there is nothing to cancel");
        const after = await progressOf(parts, (await store.retryById(found.id)) ?? found);
        noteChange(response, {
          ...(found.installation !== undefined && { installation: found.installation }),
          after: { cancelled: after.cancelled },
        });
        response.json(after);
      },
    }),
  ];
}

async function progressOf({ flow }: Parts, stored: StoredRetry): Promise<BulkRetry> {
  const { id, installation, failure, startedBy, createdAt, endedAt } = stored;
  const counts = stored.counts ?? (await flow.store.retriedCounts(id));
  const isOver = endedAt !== undefined || stored.cancelled !== undefined;
  const left = isOver ? 0 : (await countDead(flow.store, { installation, failure, notIn: id })).matches;
  const cancelled = Math.max(0, stored.cancelled ?? 0);
  const { waiting, logged, dead, other } = counts;
  return {
    id,
    ...(installation !== undefined && { installation }),
    ...(failure !== undefined && { group: failure }),
    state: stored.cancelled !== undefined ? "cancelled" : endedAt === undefined ? "running" : "done",
    startedBy,
    startedAt: new Date(createdAt).toISOString(),
    ...(endedAt !== undefined && { endedAt: new Date(endedAt).toISOString() }),
    total: left + waiting + logged + dead + other + cancelled,
    left,
    ...counts,
    cancelled,
  };
}
