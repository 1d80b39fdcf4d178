import { readManifest } from "../manifest.ts";
import type { Parts } from "../server/assemble.ts";
import { callRecordingRoutes } from "./call-recordings.ts";
import { callRoutes } from "./calls.ts";
import { eventRoutes } from "./events.ts";
import { exportRoutes } from "./export.ts";
import { installationRoutes } from "./installations.ts";
import { mappingRoutes } from "./mapping.ts";
import { openapi } from "./openapi.ts";
import { noQuery } from "./query.ts";
import { adminRoute, type Route } from "./route.ts";

/** The JSON API, and its own description. */
export function apiRoutes(parts: Parts): Route[] {
  const description = openapi({
    version: readManifest().identity.version,
    url: parts.config.publicUrl,
  });
  return [
    ...callRoutes(parts),
    ...callRecordingRoutes(parts),
    ...installationRoutes(parts),
    ...mappingRoutes(parts),
    ...exportRoutes(parts),
    ...eventRoutes(parts),
    adminRoute("get", "/api/openapi.json", noQuery, (_, response) => response.json(description)),
  ];
}
