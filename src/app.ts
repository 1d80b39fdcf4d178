import { createServer, type Server } from "node:http";
import express, { type ErrorRequestHandler, type Express } from "express";
import helmet from "helmet";
import { ConfigError, messageOf, Rejected } from "./core/errors.ts";
import { pathForLog } from "./core/mask.ts";
import { limitConnections } from "./routes/connections.ts";
import { refuseDoubtfulHost } from "./routes/guard.ts";
import { allRoutes } from "./routes/index.ts";
import { mountRoutes } from "./routes/route.ts";
import { createRules, statusOf } from "./routes/rules.ts";
import { webhookDoor } from "./routes/webhooks.ts";
import type { Parts } from "./server/assemble.ts";

/** Longer than load balancers keep a connection open: AWS 60 s, Google 600 s. Closing first could lose a request. */
const idleMs = 620_000;

/** The HTTP server: webhooks straight from Node's request, everything else through Express. */
export function createApp(parts: Parts): Server {
  const { config, flow, installations, catchUp, received, room } = parts;
  const { bodyBytes, bodySeconds, connections } = config.limits;
  const door = webhookDoor({
    flow,
    installation: (name) => installations.get(name),
    catchUp,
    received,
    publicUrl: config.publicUrl,
    room,
    bodyBytes,
    isDemo: config.isDemo,
    refusals: parts.refusals,
    testWebhooks: parts.testWebhooks,
  });
  const app = createPages(parts);
  const server = createServer({
    // A client that sends its request slowly is cut off with 408.
    requestTimeout: bodySeconds * 1000,
    headersTimeout: Math.min(bodySeconds, 10) * 1000,
    connectionsCheckingInterval: 1_000,
    keepAliveTimeout: idleMs,
    maxHeaderSize: 16_384,
  });
  const full = () =>
    flow.limitedLog.seldom(
      "error",
      { connections },
      "all connections are taken, so new ones are refused: limit them by client address in front of the server, or raise limits.connections",
    );
  const mayAnswer = limitConnections(server, { most: connections, bodySeconds, idleMs, room, full });
  server.on("request", (request, response) => {
    if (!mayAnswer(request, response) || refuseDoubtfulHost(request, response)) return;
    if (!door(request, response)) app(request, response);
  });
  return server;
}

/** All routes but the webhooks. Each route names its own guard. */
export function createPages(parts: Parts): Express {
  const app = express();
  app.disable("x-powered-by");
  // Without a certificate of our own, pages must not be upgraded to fetch their style over HTTPS.
  app.use(
    helmet({
      contentSecurityPolicy: { directives: { styleSrc: ["'self'"], upgradeInsecureRequests: null } },
      // With the default, `no-referrer`, browsers would not say which page sends a form.
      referrerPolicy: { policy: "same-origin" },
    }),
  );
  mountRoutes(app, allRoutes(parts), createRules(parts));
  app.use((request) => {
    throw new Rejected(404, `there is nothing at ${request.path}`);
  });
  app.use(errorHandler(parts.flow.limitedLog));
  return app;
}

function errorHandler(log: Parts["flow"]["limitedLog"]): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error);
    const status = statusOf(error);
    const path = pathForLog(request.path);
    if (error instanceof Rejected && status >= 500)
      log.info({ path, status, reason: error.message }, "a request was refused");
    else if (status >= 500) log.error({ path, status, err: error }, "a request failed");
    response.set("cache-control", "no-store");
    if (error instanceof Rejected && error.retryAfterSeconds !== undefined)
      response.set("retry-after", String(error.retryAfterSeconds));
    const known = error instanceof Rejected || error instanceof ConfigError || status < 500;
    const message = known ? messageOf(error) : "something went wrong here; the log says what";
    response
      .status(status)
      .json({ error: message, ...(error instanceof ConfigError && { faults: error.faults }) });
  };
}
