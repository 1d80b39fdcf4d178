import type { Parts } from "../server/assemble.ts";
import { callRoutes } from "./call.ts";
import { callListRoutes } from "./calls.ts";
import { crmRecordingRoutes, crmWebhookRoutes } from "./crm.ts";
import { eventRoutes } from "./events.ts";
import { healthRoutes } from "./health.ts";
import { homeRoutes } from "./home.ts";
import { installRoutes } from "./install.ts";
import { exportRoutes, installationRoutes } from "./installations.ts";
import { mappingRoutes } from "./mapping.ts";
import { openapiRoute } from "./openapi.ts";
import { recordingRoutes } from "./recordings.ts";
import type { Route } from "./route.ts";
import { settingsRoutes } from "./settings.ts";
import { transcriptRoutes } from "./transcripts.ts";
import { doorRoutes } from "./webhooks.ts";

/** Every route of Express. */
export function allRoutes(parts: Parts): Route[] {
  const routes = [
    ...healthRoutes(parts),
    ...homeRoutes(parts),
    ...callListRoutes(parts),
    ...callRoutes(parts),
    ...installationRoutes(parts),
    ...settingsRoutes(parts),
    ...mappingRoutes(parts),
    ...exportRoutes(parts),
    ...eventRoutes(parts),
    ...recordingRoutes(parts),
    ...transcriptRoutes(parts),
    ...crmRecordingRoutes(parts),
    ...installRoutes(parts),
    ...crmWebhookRoutes(parts),
  ];
  return [...routes, openapiRoute([...doorRoutes, ...routes], parts.config.publicUrl)];
}
