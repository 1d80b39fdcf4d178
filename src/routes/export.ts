import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Response } from "express";
import { Rejected } from "../core/errors.ts";
import { type Exported, exportOf, findExported } from "../flow/explain/export.ts";
import type { Parts } from "../server/assemble.ts";
import { adminRoute, content, noInstallation, pathParameter, type Route } from "./route.ts";

/** Everything that is stored of an installation, including a removed one until it is erased. */
export function exportRoutes(parts: Parts): Route[] {
  return [
    adminRoute({
      method: "get",
      path: "/api/installations/:name/export",
      summary:
        "Everything that is stored of an installation but its secrets, one JSON object per line, the last of type `end`. Also of a removed one, until it is erased.",
      replies: { 200: content("The lines.", "application/x-ndjson"), ...noInstallation },
      handle: async (request, response) => {
        const name = pathParameter(request, "name");
        const exported = await found(parts, name);
        response.type("application/x-ndjson").set({
          "cache-control": "no-store",
          "content-disposition": `attachment; filename="${exported.name}.ndjson"`,
        });
        if (request.method === "HEAD") response.end();
        else await send(parts, exported, response);
      },
    }),
  ];
}

async function send({ flow }: Parts, exported: Exported, response: Response): Promise<void> {
  try {
    await pipeline(Readable.from(textsOf(flow.store, exported)), response);
  } catch (error) {
    // A client that disconnects needs no log entry. Otherwise the connection breaks, and the last line is missing.
    if (error instanceof Error && "code" in error && error.code === "ERR_STREAM_PREMATURE_CLOSE") return;
    flow.log.error({ installation: exported.name, err: error }, "an export broke off");
    response.destroy();
  }
}

async function* textsOf(store: Parts["flow"]["store"], exported: Exported): AsyncGenerator<string> {
  for await (const line of exportOf(store, exported)) yield `${JSON.stringify(line)}\n`;
}

/** Throws `Rejected(404)`. */
async function found({ flow, installations, erasing }: Parts, name: string): Promise<Exported> {
  const exported = await findExported(flow.store, installations, name, erasing.savedMapping(name));
  if (exported) return exported;
  throw new Rejected(
    404,
    `there is no installation ${JSON.stringify(name.slice(0, 40))}, or it is erased: GET /api/installations lists them`,
  );
}
