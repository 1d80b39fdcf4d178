import { type ZodType, z } from "zod";
import { readManifest } from "../manifest.ts";
import type { Parts } from "../server/assemble.ts";
import { auditRoutes } from "./audit.ts";
import { callRoutes } from "./call.ts";
import { callListRoutes } from "./calls.ts";
import { checklistRoutes } from "./checklist.ts";
import { consoleRoutes } from "./console.ts";
import { contactRoutes } from "./contacts.ts";
import { crmRecordingRoutes, crmWebhookRoutes } from "./crm.ts";
import { deliveryRoutes } from "./deliveries.ts";
import { eventRoutes } from "./events.ts";
import { failureRoutes } from "./failures.ts";
import { healthRoutes } from "./health.ts";
import { styleRoute } from "./html.ts";
import { installRoutes } from "./install.ts";
import { exportRoutes, installationRoutes } from "./installations.ts";
import { linkRoutes } from "./links.ts";
import { loginRoutes } from "./login.ts";
import { mappingRoutes } from "./mapping.ts";
import { recordingRoutes, transcriptRoutes } from "./recordings.ts";
import { retryRoutes } from "./retries.ts";
import { adminRoute, anyObject, type DescribedRoute, json, type Reply, type Route } from "./route.ts";
import { sessionRoutes } from "./sessions.ts";
import { settingsRoutes } from "./settings.ts";
import { signInRoutes } from "./sign-in.ts";
import { doorRoutes } from "./webhooks.ts";

/** Every route of Express. */
export function allRoutes(parts: Parts): Route[] {
  const routes = [
    ...healthRoutes(parts),
    styleRoute,
    ...consoleRoutes(),
    ...loginRoutes(parts),
    ...sessionRoutes(parts),
    ...linkRoutes(parts),
    ...signInRoutes(parts),
    ...auditRoutes(parts),
    ...callListRoutes(parts),
    ...callRoutes(parts),
    ...failureRoutes(parts),
    ...retryRoutes(parts),
    ...contactRoutes(parts),
    ...checklistRoutes(parts),
    ...deliveryRoutes(parts),
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

type JsonSchema = { readonly [name: string]: unknown };

/** The body of every error. */
const problem = z
  .object({
    error: z.string(),
    faults: z
      .array(z.object({ at: z.string(), problem: z.string(), cure: z.string().optional() }))
      .optional(),
  })
  .meta({ id: "Problem" });

/** `GET /api/openapi.json`: a description of the routes and of itself, made on the first request. */
function openapiRoute(routes: readonly DescribedRoute[], url: string): Route {
  let description: JsonSchema | undefined;
  const route: Route = adminRoute({
    method: "get",
    path: "/api/openapi.json",
    needs: "view",
    summary: "This description.",
    replies: { 200: json("OpenAPI 3.1.", anyObject) },
    handle: (_, response) => {
      description ??= describe([...routes, route], url);
      response.json(description);
    },
  });
  return route;
}

function describe(routes: readonly DescribedRoute[], url: string): JsonSchema {
  const schemas: Record<string, JsonSchema> = {};
  const paths: Record<string, Record<string, JsonSchema>> = {};
  const toJson: ToJson = (schema) => {
    // As a property: zod inlines the outermost schema instead of referring to it.
    const { properties, $defs } = z.toJSONSchema(z.object({ schema }), { io: "input", override: plain });
    Object.assign(schemas, $defs);
    return properties?.["schema"] as JsonSchema;
  };
  for (const route of routes) {
    if (route.summary === undefined) continue;
    const path = route.path.replace(/:(\w+)/g, "{$1}");
    paths[path] ??= {};
    paths[path][route.method] = operationOf(route, path, toJson);
  }
  const description = {
    openapi: "3.1.0",
    info: {
      title: "Switchhook",
      version: readManifest().identity.version,
      description: "Phone calls in, CRM activities out.",
    },
    servers: [{ url }],
    paths,
    components: {
      schemas,
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer" },
        basic: { type: "http", scheme: "basic" },
        session: { type: "apiKey", in: "cookie", name: "__Host-switchhook" },
      },
    },
  };
  return JSON.parse(JSON.stringify(description).replaceAll('"#/$defs/', '"#/components/schemas/'));
}

type ToJson = (schema: ZodType) => JsonSchema;

function operationOf(route: DescribedRoute, path: string, toJson: ToJson): JsonSchema {
  const { guard, needs = [], summary, query, body, replies } = route;
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  const parameters = (query && toJson(query)["properties"]) ?? {};
  const inQuery = Object.entries(parameters).map(([name, schema]) => ({ name, in: "query", schema }));
  const refusals: DescribedRoute["replies"] =
    guard === "open" ? {} : { 401: "No session, and no or another admin token.", 403: whyForbidden(needs) };
  const responses = Object.entries<Reply>({ ...replies, ...refusals }).map(([status, reply]) => [
    status,
    responseOf(reply, toJson),
  ]);
  return {
    summary,
    parameters: [...inPath, ...inQuery],
    ...(body && {
      requestBody: { required: true, content: { "application/json": { schema: toJson(body) } } },
    }),
    responses: Object.fromEntries(responses),
    security: guard === "open" ? [] : [{ session: [] }, { bearer: [] }, { basic: [] }],
  };
}

function whyForbidden(needs: readonly string[]): string {
  return `Not from here, or without the right ${needs.map((right) => `\`${right}\``).join(" and ")}.`;
}

function responseOf(reply: Reply, toJson: ToJson): JsonSchema {
  const { about, type, schema } = typeof reply === "string" ? json(reply, problem) : reply;
  if (type === undefined) return { description: about };
  return { description: about, content: { [type]: schema ? { schema: toJson(schema) } : {} } };
}

/** Removes the pattern that zod adds to a format, and the safe-integer bounds. */
function plain({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
}
