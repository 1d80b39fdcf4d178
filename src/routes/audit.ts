import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Response } from "express";
import { z } from "zod";
import type { Parts } from "../server/assemble.ts";
import type { AuditLine } from "../store/contract.ts";
import {
  adminRoute,
  anyObject,
  badQuery,
  content,
  json,
  pageQuery,
  type Route,
  text,
  time,
} from "./route.ts";

const line = z
  .object({
    id: z.int(),
    at: time,
    who: text,
    signedInBy: text,
    action: text.meta({ description: "The method and the path of the route." }),
    object: text.optional().meta({ description: "What it was done to, such as the key of a call." }),
    installation: text.optional(),
    address: text,
    change: z
      .object({ before: anyObject.optional(), after: anyObject.optional(), cut: z.boolean().optional() })
      .optional(),
    result: z.int().optional().meta({
      description:
        "The HTTP status. Absent while it is under way, and when the server stopped before it was done.",
    }),
  })
  .meta({ id: "AuditLine" });

const defaultLimit = 50;
const exportedAtOnce = 500;

/** The audit log. */
export function auditRoutes({ access, flow }: Pick<Parts, "access" | "flow">): Route[] {
  const { audit } = access;
  return [
    adminRoute({
      method: "get",
      path: "/api/audit",
      needs: "admin",
      summary: "Who changed what, the latest first.",
      query: pageQuery,
      replies: {
        200: json("A page of lines.", z.object({ items: z.array(line), next: text.optional() })),
        ...badQuery,
      },
      handle: async (_, response, { cursor, limit = defaultLimit, installation }) => {
        const filter = {
          ...(installation && { installation }),
          ...(cursor !== undefined && { before: cursor }),
        };
        const found = await audit.list({ ...filter, limit: limit + 1 });
        const items = found.slice(0, limit).map(shown);
        const last = items.at(-1);
        response.json({ items, ...(found.length > limit && last && { next: String(last.id) }) });
      },
    }),
    adminRoute({
      method: "get",
      path: "/api/audit/export",
      needs: "admin",
      summary: "The whole audit log, one JSON object per line, the latest first.",
      query: pageQuery.pick({ installation: true }),
      replies: { 200: content("The lines.", "application/x-ndjson", line), ...badQuery },
      handle: async (request, response, { installation }) => {
        response
          .type("application/x-ndjson")
          .set({ "content-disposition": 'attachment; filename="audit.ndjson"' });
        if (request.method === "HEAD") response.end();
        else await send(allLines(installation), response, flow.log);
      },
    }),
  ];

  async function* allLines(installation: string | undefined): AsyncGenerator<string> {
    for (let before: number | undefined, more = true; more; ) {
      const filter = { ...(installation && { installation }), ...(before !== undefined && { before }) };
      const found = await audit.list({ ...filter, limit: exportedAtOnce });
      for (const one of found) yield `${JSON.stringify(shown(one))}\n`;
      before = found.at(-1)?.id;
      more = found.length === exportedAtOnce;
    }
  }
}

async function send(
  lines: AsyncIterable<string>,
  response: Response,
  log: Parts["flow"]["log"],
): Promise<void> {
  try {
    await pipeline(Readable.from(lines), response);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ERR_STREAM_PREMATURE_CLOSE") return;
    log.error({ err: error }, "an export of the audit log broke off");
    response.destroy();
  }
}

function shown({ detail, at, ...rest }: AuditLine): z.infer<typeof line> {
  return {
    ...rest,
    at: new Date(at).toISOString(),
    ...(detail !== undefined && { change: JSON.parse(detail) as z.infer<typeof line>["change"] }),
  };
}
