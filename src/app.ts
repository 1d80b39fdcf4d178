import { createServer, type Server } from "node:http";
import express, { type ErrorRequestHandler, type Express } from "express";
import helmet from "helmet";
import { ConfigError, messageOf, Rejected } from "./core/errors.ts";
import { pathForLog } from "./core/mask.ts";
import type { Parts } from "./parts.ts";
import { apiRoutes } from "./routes/api.ts";
import { crmRecordingRoutes } from "./routes/crm-recordings.ts";
import { crmWebhookRoutes } from "./routes/crm-webhooks.ts";
import { refuseDoubtfulHost, requireAdmin } from "./routes/guard.ts";
import { healthRoutes } from "./routes/health.ts";
import { homeRoutes } from "./routes/home.ts";
import { installRoutes } from "./routes/install.ts";
import { recordingRoutes } from "./routes/recordings.ts";
import { mountRoutes } from "./routes/route.ts";
import { settingsRoutes } from "./routes/settings.ts";
import { transcriptRoutes } from "./routes/transcripts.ts";
import { webhookDoor } from "./routes/webhooks.ts";

/** The HTTP server: webhooks straight from Node's request, everything else through Express. */
export function createApp(parts: Parts): Server {
  const { config, flow, installations, received } = parts;
  const door = webhookDoor({
    flow,
    installation: (name) => installations.get(name),
    received,
    publicUrl: config.publicUrl,
    bodyBytes: config.limits.bodyBytes,
    isDemo: config.isDemo,
  });
  const app = createPages(parts);
  return createServer(
    {
      // A client that sends its request slowly is cut off with 408.
      requestTimeout: config.limits.bodySeconds * 1000,
      headersTimeout: Math.min(config.limits.bodySeconds, 10) * 1000,
      connectionsCheckingInterval: 1_000,
      keepAliveTimeout: 65_000,
      maxHeaderSize: 16_384,
    },
    (request, response) => {
      if (refuseDoubtfulHost(request, response)) return;
      if (!door(request, response)) app(request, response);
    },
  );
}

/** Everything but the webhooks. Each route names its own guard. */
export function createPages(parts: Parts): Express {
  const app = express();
  app.disable("x-powered-by");
  // Without a certificate of our own, pages must not be told to fetch their style over HTTPS.
  app.use(
    helmet({
      contentSecurityPolicy: { directives: { styleSrc: ["'self'"], upgradeInsecureRequests: null } },
    }),
  );
  mountRoutes(
    app,
    [
      ...healthRoutes(parts),
      ...homeRoutes(parts),
      ...apiRoutes(parts),
      ...recordingRoutes(parts),
      ...transcriptRoutes(parts),
      ...crmRecordingRoutes(parts),
      ...installRoutes(parts),
      ...settingsRoutes(parts),
      ...crmWebhookRoutes(parts),
    ],
    requireAdmin(parts),
  );
  app.use((request) => {
    throw new Rejected(404, `there is nothing at ${request.path}`);
  });
  app.use(errorHandler(parts.flow.limitedLog));
  return app;
}

/** For what is full just now. */
const retryAfterSeconds = "10";

function errorHandler(log: Parts["flow"]["limitedLog"]): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error);
    const status = statusOf(error);
    if (status >= 500) log.error({ path: pathForLog(request.path), status, err: error }, "a request failed");
    response.set("cache-control", "no-store");
    if ((status === 429 || status === 503) && !response.hasHeader("retry-after"))
      response.set("retry-after", retryAfterSeconds);
    // What is left of a body that was not read would be taken for the next request.
    if (!request.complete) response.set("connection", "close");
    const known = error instanceof Rejected || error instanceof ConfigError || status < 500;
    const message = known ? messageOf(error) : "something went wrong here; the log says what";
    response
      .status(status)
      .json({ error: message, ...(error instanceof ConfigError && { faults: error.faults }) });
  };
}

/** Express and its parsers mark a client's mistake with a status of their own. */
function statusOf(error: unknown): number {
  if (error instanceof Rejected) return error.status;
  if (error instanceof ConfigError) return 422;
  const status = error instanceof Error && "status" in error ? Number(error.status) : 500;
  return status >= 400 && status < 500 ? status : 500;
}
