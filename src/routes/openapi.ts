import { z } from "zod";
import { installationOperations } from "./openapi-installations.ts";
import { recordingOperations } from "./openapi-recordings.ts";
import { schemas } from "./openapi-schemas.ts";
import {
  badQuery,
  type JsonSchema,
  json,
  noCall,
  type Operation,
  page,
  problem,
  ref,
  text,
} from "./openapi-words.ts";
import { callQuery, noQuery, pageQuery, unusedQuery } from "./query.ts";

const webhook: Operation = {
  summary: "A provider's delivery, with its own proof. 2xx once its bytes are durable.",
  open: true,
  responses: {
    "200": json("Taken; for a question of an AI agent the answer.", { type: "object" }),
    "400": problem("Not one of this provider's deliveries."),
    "401": problem("The signature or the secret is wrong."),
    "404": problem("There is no such installation or provider."),
    "405": problem("The provider does not use this method."),
    "413": problem("The body is too large."),
    "415": problem("The body is compressed."),
    "503": problem("It could not be stored just now: send it again."),
  },
};

/** What there is to call, by path and method. */
const operations: Readonly<Record<string, Readonly<Record<string, Operation>>>> = {
  "/webhooks/{installation}/{provider}": {
    post: webhook,
    get: { ...webhook, summary: "The same, for Exotel." },
  },
  "/webhooks/{crm}": {
    post: {
      summary: "What a CRM tells our app of contacts, signed by it.",
      open: true,
      responses: {
        "200": json("Noted; who is to be erased is erased.", { type: "object" }),
        "400": problem("Not a list of events."),
        "401": problem("The signature is wrong or old."),
        "404": problem("This CRM sends no webhooks, or there is no app of ours."),
        "413": problem("Larger than 1 MB."),
      },
    },
  },
  "/api/calls": {
    get: {
      summary: "Calls, the latest first.",
      query: callQuery,
      responses: { "200": json("A page of calls.", page("CallSummary")), ...badQuery },
    },
  },
  "/api/calls/{key}": {
    get: {
      summary: "One call: its events, why it looks as it does, what was received and what the CRM got.",
      query: noQuery,
      responses: { "200": json("The call.", ref("CallDetail")), ...noCall },
    },
  },
  "/api/calls/{key}/retry": {
    post: {
      summary: "Logs a call once more, now.",
      query: noQuery,
      responses: {
        "202": json("It is logged next.", ref("Retried")),
        ...noCall,
        "409": problem("The call is not over, or is part of another one."),
      },
    },
  },
  "/api/dead": {
    get: {
      summary: "Calls that the CRM refused: somebody has to mend the reason and retry them.",
      query: pageQuery,
      responses: { "200": json("A page of calls.", page("CallSummary")), ...badQuery },
    },
  },
  "/api/unused": {
    get: {
      summary: "Deliveries that gave no event: unknown kinds and faults, the latest first.",
      query: unusedQuery,
      responses: { "200": json("Deliveries.", page("Delivery")), ...badQuery },
    },
  },
  ...installationOperations,
  "/api/events": {
    get: {
      summary: "Calls as they change: server-sent events named `call`.",
      query: noQuery,
      responses: { "200": text("The stream; each event's data is a LiveCall.", "text/event-stream") },
    },
  },
  "/api/openapi.json": {
    get: {
      summary: "This description.",
      query: noQuery,
      responses: { "200": json("OpenAPI 3.1.", { type: "object" }) },
    },
  },
  ...recordingOperations,
  "/healthz": {
    get: { summary: "The process is up.", open: true, responses: { "200": json("It is.", ref("Health")) } },
  },
  "/readyz": {
    get: {
      summary: "Webhooks can be stored.",
      open: true,
      responses: { "200": json("They can.", ref("Health")), "503": json("They cannot: why.", ref("Health")) },
    },
  },
  "/metrics": {
    get: {
      summary: "Figures for Prometheus.",
      query: noQuery,
      responses: { "200": text("Figures.", "text/plain") },
    },
  },
};

/** The description of the HTTP interface, OpenAPI 3.1. */
export function openapi({ version, url }: { version: string; url: string }): JsonSchema {
  const paths = Object.entries(operations).map(([path, methods]) => [
    path,
    Object.fromEntries(
      Object.entries(methods).map(([method, operation]) => [method, described(path, operation)]),
    ),
  ]);
  return {
    openapi: "3.1.0",
    info: { title: "Switchhook", version, description: "Phone calls in, CRM activities out." },
    servers: [{ url }],
    paths: Object.fromEntries(paths),
    components: {
      schemas,
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer" },
        basic: { type: "http", scheme: "basic" },
      },
    },
  };
}

function described(path: string, { summary, open, query = noQuery, body, responses }: Operation): JsonSchema {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  const { properties = {} } = z.toJSONSchema(query, { io: "input" });
  const inQuery = Object.entries(properties).map(([name, schema]) => ({ name, in: "query", schema }));
  const strangers = { "401": problem("No or another admin token."), "403": problem("Not from here.") };
  return {
    summary,
    parameters: [...inPath, ...inQuery],
    ...(body && { requestBody: { required: true, content: { "application/json": { schema: body } } } }),
    responses: open ? responses : { ...responses, ...strangers },
    security: open ? [] : [{ bearer: [] }, { basic: [] }],
  };
}
