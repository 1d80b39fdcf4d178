import { Validator } from "@seriousme/openapi-schema-validator";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { inboundCall, scriptOf, sendAll, settledActivities } from "../support/calls.ts";
import { mountedRoutes } from "../support/routes.ts";
import { startServer, type TestServer } from "../support/server.ts";

type Operation = {
  parameters: { name: string; in: string }[];
  responses: Record<string, { content?: Record<string, { schema?: object }> }>;
  security: object[];
};
type Description = {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object> };
};

let server: TestServer;
let description: Description;

beforeAll(async () => {
  server = await startServer();
  await sendAll(server, "retell", scriptOf(server, "retell", inboundCall("retell", { id: "one" })));
  await settledActivities(server);
  description = (await (await fetch(`${server.url}/api/openapi.json`)).json()) as Description;
});
afterAll(() => server.stop());

test("the description is one that OpenAPI allows", async () => {
  expect(await new Validator().validate(description)).toEqual({ valid: true });
});

/** Pages for people, and the door, which is no route of Express. */
const notDescribed = [
  ...["GET /", "GET /style.css", "GET /install/:crm", "GET /install/:crm/callback"],
  ...["GET /calls", "GET /calls/:key", "GET /failures", "GET /setup", "GET /live", "GET /icon.svg"],
  "GET /assets/:file",
  ...["GET /mapping", "GET /mapping/:name"],
  ...["GET /login", "POST /login", "GET /login.css"],
  ...["GET /login/link", "POST /login/link", "GET /login/:way", "GET /login/:way/callback"],
];
const door = ["GET /webhooks/{installation}/{provider}", "POST /webhooks/{installation}/{provider}"];

test("the description has every route, and no other", () => {
  const described = Object.entries(description.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const mounted = mountedRoutes(server)
    .filter((route) => !notDescribed.includes(route))
    .map((route) => route.replace(/:(\w+)/g, "{$1}"));
  expect(described.sort()).toEqual([...mounted, ...door].sort());
});

test("every parameter that it names is taken, and one that it does not name is refused", async () => {
  const values: Record<string, string> = {
    ...{ installation: "acme", provider: "voys", state: "dead", number: "%2B31612345678", preview: "1" },
    ...{ direction: "inbound", outcome: "busy", agent: "7", line: "1", contact: "2", matched: "no" },
    ...{ recording: "yes", q: "Asha", group: "0123456789ab" },
    ...{ limit: "5", cursor: "9", since: "2026-01-01", until: "2026-01-01T00:00:00Z" },
  };
  const lists = ["/api/calls", "/api/calls.csv", "/api/dead", "/api/dead/groups", "/api/retries"];
  for (const path of [...lists, "/api/unused", "/api/installations"]) {
    const { parameters = [] } = description.paths[path]?.["get"] ?? {};
    const query = parameters.map(({ name }) => `${name}=${values[name]}`).join("&");
    expect((await fetch(`${server.url}${path}?${query}`)).status, `${path}?${query}`).toBe(200);
    expect((await fetch(`${server.url}${path}?undescribed=1`)).status, path).toBe(400);
  }
});

test("every reference in it leads somewhere", () => {
  const names = [...JSON.stringify(description).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(
    ([, name]) => name,
  );
  expect(names.length).toBeGreaterThan(10);
  for (const name of names) expect(description.components.schemas).toHaveProperty(name ?? "");
});

/** The schema with its references filled in; members that it does not name are refused. */
function strict(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(strict);
  if (typeof schema !== "object" || schema === null) return schema;
  if ("$ref" in schema)
    return strict(description.components.schemas[String(schema.$ref).split("/").at(-1) ?? ""]);
  const filled = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, strict(value)]));
  return "properties" in filled ? { additionalProperties: false, ...filled } : filled;
}

describe("what is answered is what is described", () => {
  test.each([
    ["/api/calls", "/api/calls"],
    ["/api/calls/{key}", "/api/calls/acme:retell:one"],
    ["/api/dead", "/api/dead"],
    ["/api/unused", "/api/unused"],
    ["/api/installations", "/api/installations"],
    ["/api/installations/{name}/mapping", "/api/installations/acme/mapping"],
    ["/api/installations/{name}/mapping/versions", "/api/installations/acme/mapping/versions"],
    ["/api/installations/{name}/mapping/versions/{number}", "/api/installations/acme/mapping/versions/1"],
    ["/api/installations/{name}/mapping/vocabulary", "/api/installations/acme/mapping/vocabulary"],
    ["/api/installations/{name}/mapping/apply", "/api/installations/acme/mapping/apply"],
    ["/api/installations/{name}/fields", "/api/installations/acme/fields"],
    ["/healthz", "/healthz"],
    ["/readyz", "/readyz"],
    ["/api/calls/{key}", "/api/calls/nobody"],
    ["/api/calls", "/api/calls?limit=x"],
  ])("GET %s: %s", async (path, url) => {
    const response = await fetch(`${server.url}${url}`);
    const body: unknown = await response.json();
    const answer = description.paths[path]?.["get"]?.responses[String(response.status)];
    const schema = strict(answer?.content?.["application/json"]?.schema);
    expect(schema).toBeDefined();
    expect(
      z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]).safeParse(body).error?.issues,
    ).toBeUndefined();
  });
});
